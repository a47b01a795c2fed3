package email

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"sallyport/factors/internal/files"
	"sallyport/login"
)

// maxToken bounds what is read from the file of an access token.
const maxToken = 64 << 10

// account is who we are at the servers.
type account struct {
	mechanism string
	username  string
	password  login.Secret
	// tokenFile is read for each connection instead of the password; empty means that it is not.
	tokenFile string
}

func newAccount(c Config) account {
	a := account{mechanism: c.Auth, username: c.Username, password: c.Password}
	if c.usesToken() {
		a.tokenFile = c.PasswordFile
	}
	return a
}

// authenticate logs in and returns the mechanism, "" where there is no account.
func (a account) authenticate(c *smtp.Client, e endpoint, encrypted bool) (mechanism string, err error) {
	if a.username == "" {
		return "", nil
	}
	if !encrypted {
		return "", local("the connection is not encrypted: nothing secret is sent")
	}
	if mechanism, err = a.choose(c); err != nil {
		return "", err
	}
	secret, err := a.secret()
	if err != nil {
		return "", err
	}
	return mechanism, c.Auth(a.client(mechanism, secret, e))
}

// secrets are what a server may repeat of AUTH, in the forms in which it was sent. The name is one of them: some
// services take a token for both.
func (a account) secrets() []string {
	secret, _ := a.secret() // where it cannot be read, none was sent
	var all []string
	for _, text := range []string{secret, a.username, "\x00" + a.username + "\x00" + secret, "user=" + a.username + "\x01auth=Bearer " + secret + "\x01\x01"} {
		if strings.Trim(text, "\x00\x01") != "" {
			all = append(all, text, strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(text)), "="))
		}
	}
	return all
}

// choose returns the mechanism to use with a server, which must offer it.
func (a account) choose(c *smtp.Client) (string, error) {
	if a.mechanism != authAuto {
		mechanism := strings.ToUpper(a.mechanism)
		if !c.SupportsAuth(mechanism) {
			return "", local("the server does not offer AUTH " + mechanism)
		}
		return mechanism, nil
	}
	for _, mechanism := range []string{sasl.Plain, sasl.Login} {
		if c.SupportsAuth(mechanism) {
			return mechanism, nil
		}
	}
	return "", local("the server offers neither AUTH PLAIN nor AUTH LOGIN; set auth, or remove username")
}

// secret returns the password, or the access token as its file has it now. The file is written by a
// program that renews the token; it should replace the file whole, by a rename. As it is read by the
// daemon itself, a systemd credential, which is a copy made at the start, does not serve.
func (a account) secret() (string, error) {
	if a.tokenFile == "" {
		return a.password.Reveal(), nil
	}
	content, err := files.Read(a.tokenFile, maxToken)
	if err != nil {
		return "", local("password_file: " + err.Error())
	}
	token, _, err := login.ParseSecret(content)
	switch {
	case err != nil:
		return "", local(fmt.Sprintf("password_file: %s %v", a.tokenFile, err))
	case strings.ContainsFunc(token.Reveal(), unicode.IsControl):
		return "", local(fmt.Sprintf("password_file: %s does not hold one access token", a.tokenFile))
	}
	return token.Reveal(), nil
}

func (a account) client(mechanism, secret string, e endpoint) sasl.Client {
	switch mechanism {
	case sasl.Login:
		return sasl.NewLoginClient(a.username, secret)
	case sasl.OAuthBearer:
		port, _ := strconv.Atoi(e.port) // a number since parseEndpoint
		return sasl.NewOAuthBearerClient(&sasl.OAuthBearerOptions{Username: a.username, Token: secret, Host: e.host, Port: port})
	case xoauth2:
		return &xoauth2Client{username: a.username, token: secret}
	}
	return sasl.NewPlainClient("", a.username, secret)
}

const xoauth2 = "XOAUTH2"

// xoauth2Client is the mechanism of Microsoft 365 and Google that came before OAUTHBEARER.
type xoauth2Client struct {
	username, token string
}

// Start sends everything in the initial response.
func (c *xoauth2Client) Start() (mechanism string, initial []byte, err error) {
	return xoauth2, []byte("user=" + c.username + "\x01auth=Bearer " + c.token + "\x01\x01"), nil
}

// Next answers a challenge, which says in JSON why the token is refused, with nothing; the refusal
// itself follows.
func (c *xoauth2Client) Next([]byte) ([]byte, error) { return []byte{}, nil }
