package sms

import "net/http"

// preset is what is known of a gateway's API. Each is a piece of data for the one engine.
type preset struct {
	url      []string
	exchange Exchange
}

// The content types that presets use.
const (
	typeForm = "application/x-www-form-urlencoded"
	typeJSON = "application/json"
)

func presetNames() []string {
	return []string{"generic", "kannel", "twilio", "vonage", "vonage-sms", "infobip", "messagebird", "bird"}
}

// presetOf returns the preset of a name. Generic has nothing of its own.
func presetOf(name string) (preset, bool) {
	switch name {
	case "generic":
		return preset{}, true
	case "kannel":
		return kannel(), true
	case "twilio":
		return twilio(), true
	case "vonage":
		return vonage(), true
	case "vonage-sms":
		return vonageSMS(), true
	case "infobip":
		return infobip(), true
	case "messagebird":
		return messageBird(), true
	case "bird":
		return bird(), true
	}
	return preset{}, false
}

// kannel is smsbox's sendsms. "3: Queued for later delivery" means that no SMSC is connected: Kannel
// keeps the message, so sending it again would deliver it twice.
func kannel() preset {
	return preset{exchange: Exchange{
		Method: http.MethodGet,
		Query: "username={{.Username}}&password={{.Password}}{{if .From}}&from={{.From}}{{end}}&to={{.To}}&text={{.Text}}" +
			"&charset=UTF-8&coding={{if .Unicode}}2{{else}}0{{end}}",
		SuccessStatus: []int{http.StatusAccepted},
		SuccessBody:   `^[03]:`,
		QueuedBody:    `^3:`,
	}}
}

// twilio is the Messages resource: account is the account SID; username and password are an API key,
// or the password alone is the account's auth token. For a messaging service replace the body.
func twilio() preset {
	return preset{
		url: []string{"https://api.twilio.com/2010-04-01/Accounts/{{.Account}}/Messages.json"},
		exchange: Exchange{
			Method:        http.MethodPost,
			Headers:       map[string]string{"Authorization": "Basic {{.Basic}}"},
			ContentType:   typeForm,
			Body:          "To={{.To}}&From={{.From}}&Body={{.Text}}",
			SuccessStatus: []int{http.StatusCreated},
			IDJSON:        "sid",
			ReasonJSON:    "code",
		},
	}
}

// vonage is the Messages API, version 1: username is the API key, password the API secret. Numbers
// go without the plus sign.
func vonage() preset {
	return preset{
		url: []string{"https://api.nexmo.com/v1/messages"},
		exchange: Exchange{
			Method:      http.MethodPost,
			Headers:     map[string]string{"Authorization": "Basic {{.Basic}}", "Accept": typeJSON},
			ContentType: typeJSON,
			Body: `{"channel":"sms","message_type":"text","to":"{{.ToDigits}}","from":"{{.From}}","text":"{{.Text}}"` +
				`{{if .Trace}},"client_ref":"{{.Trace}}"{{end}}}`,
			SuccessStatus: []int{http.StatusAccepted},
			IDJSON:        "message_uuid",
			ReasonJSON:    "title",
		},
	}
}

// vonageSMS is the older SMS API. It answers refusals with 200 too; status 1 is "throttled".
func vonageSMS() preset {
	return preset{
		url: []string{"https://rest.nexmo.com/sms/json"},
		exchange: Exchange{
			Method:      http.MethodPost,
			ContentType: typeForm,
			Body: "api_key={{.Username}}&api_secret={{.Password}}&to={{.ToDigits}}&from={{.From}}&text={{.Text}}" +
				"&type={{if .Unicode}}unicode{{else}}text{{end}}",
			SuccessStatus: []int{http.StatusOK},
			SuccessJSON:   []string{"messages.0.status=0"},
			RetryJSON:     []string{"messages.0.status=1"},
			IDJSON:        "messages.0.message-id",
			ReasonJSON:    "messages.0.status",
		},
	}
}

// infobip is version 3 of the SMS API: account is the first label of the base URL, password the API
// key. A message that is refused at once is told by its status group.
func infobip() preset {
	return preset{
		url: []string{"https://{{.Account}}.api.infobip.com/sms/3/messages"},
		exchange: Exchange{
			Method:      http.MethodPost,
			Headers:     map[string]string{"Authorization": "App {{.Password}}", "Accept": typeJSON},
			ContentType: typeJSON,
			Body: `{"messages":[{"sender":"{{.From}}","destinations":[{"to":"{{.ToDigits}}"}],` +
				`"content":{"text":"{{.Text}}"}}]}`,
			SuccessStatus: []int{http.StatusOK},
			SuccessJSON:   []string{"messages.0.status.groupName!=REJECTED", "messages.0.status.groupName!=UNDELIVERABLE"},
			IDJSON:        "messages.0.messageId",
			ReasonJSON:    "messages.0.status.name",
		},
	}
}

// messageBird is the REST API of before 2024: password is the access key.
func messageBird() preset {
	return preset{
		url: []string{"https://rest.messagebird.com/messages"},
		exchange: Exchange{
			Method:      http.MethodPost,
			Headers:     map[string]string{"Authorization": "AccessKey {{.Password}}", "Accept": typeJSON},
			ContentType: typeForm,
			Body: "recipients={{.ToDigits}}&originator={{.From}}&body={{.Text}}&datacoding={{if .Unicode}}unicode{{else}}plain{{end}}" +
				"{{if .Trace}}&reference={{.Trace}}{{end}}",
			SuccessStatus: []int{http.StatusCreated},
			IDJSON:        "id",
			ReasonJSON:    "errors.0.code",
		},
	}
}

// bird is the Channels API that replaced MessageBird's: account is the workspace id, from the channel
// id, password the access key.
func bird() preset {
	return preset{
		url: []string{"https://api.bird.com/workspaces/{{.Account}}/channels/{{.From}}/messages"},
		exchange: Exchange{
			Method:      http.MethodPost,
			Headers:     map[string]string{"Authorization": "AccessKey {{.Password}}", "Accept": typeJSON},
			ContentType: typeJSON,
			Body: `{"receiver":{"contacts":[{"identifierKey":"phonenumber","identifierValue":"{{.To}}"}]},` +
				`"body":{"type":"text","text":{"text":"{{.Text}}"}}{{if .Trace}},"reference":"{{.Trace}}"{{end}}}`,
			SuccessStatus: []int{http.StatusOK, http.StatusAccepted},
			IDJSON:        "id",
			ReasonJSON:    "code",
		},
	}
}
