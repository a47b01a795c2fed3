package sms

// Exchange is one request to a gateway and what its answers mean. Query, Headers and Body are
// templates: {{.Name}} puts a variable in its place, escaped as that place needs it, and
// {{if .Name}}…{{else}}…{{end}} asks whether it is set. There is nothing else, and no function.
//
// The variables: To is the number with its plus sign, ToDigits without; Text is the message; Unicode
// is set, for {{if}} only, where the message does not fit the GSM alphabet; Trace is the login's id.
// From, Account, Username and Password are as configured, and Basic is username and password in the
// form of HTTP's Basic scheme. The headers may hold none of To, ToDigits and Text.
type Exchange struct {
	// Method is GET, POST or PUT; empty means POST with a body and GET without.
	Method string `toml:"method"`
	// Query is what follows the question mark of the URL.
	Query string `toml:"query" hides:"query"`
	// Headers are added to those of the preset; an empty one is left out.
	Headers map[string]string `toml:"headers" hides:"template"`
	// Body is escaped as its ContentType says: application/x-www-form-urlencoded, application/json,
	// application/xml, text/xml or text/plain.
	ContentType string `toml:"content_type"`
	Body        string `toml:"body" hides:"template"`

	// A message was taken when the status is one of SuccessStatus, SuccessBody (a regular expression)
	// fits the answer and all of SuccessJSON hold: "messages.0.status=0" compares the value at a path,
	// "messages.0.status!=3" wants another one there. Empty SuccessStatus means 200, 201 and 202.
	SuccessStatus []int    `toml:"success_status"`
	SuccessBody   string   `toml:"success_body"`
	SuccessJSON   []string `toml:"success_json"`
	// QueuedBody fits the answer to a message that was taken, but waits because the gateway's own
	// link is down.
	QueuedBody string `toml:"queued_body"`
	// A message was surely not taken, and another try may be made, when the status is one of
	// RetryStatus, RetryBody fits, or all of RetryJSON hold. Empty RetryStatus means 429 and 503.
	RetryStatus []int    `toml:"retry_status"`
	RetryBody   string   `toml:"retry_body"`
	RetryJSON   []string `toml:"retry_json"`
	// IDJSON is the path of the gateway's id of a message, IDBody a regular expression whose first
	// group is the id. ReasonJSON and ReasonBody find the code of a refusal likewise.
	IDJSON     string `toml:"id_json"`
	IDBody     string `toml:"id_body"`
	ReasonJSON string `toml:"reason_json"`
	ReasonBody string `toml:"reason_body"`
}
