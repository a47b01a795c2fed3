package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// maxDemoText bounds a request to the phone, in octets.
const maxDemoText = 16 << 10

// The request that the phone's gateway understands, in the words of [factors.sms].
const (
	demoPhonePath = "/messages"
	demoPhoneBody = `{"to":"{{.To}}","text":"{{.Text}}"}`
)

// phone is a gateway for text messages, on loopback, and the phones behind it: what it is handed, it
// shows on the board.
type phone struct {
	board    *board
	server   *http.Server
	listener net.Listener
}

func openPhone(b *board, log *slog.Logger) (*phone, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("the demo's phone: %w", err)
	}
	p := &phone{board: b, listener: listener}
	routes := http.NewServeMux()
	routes.HandleFunc("POST "+demoPhonePath, p.take)
	p.server = &http.Server{
		Handler: routes, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: maxDemoText, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	go func() {
		if err := p.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the demo's phone takes no messages any more", slog.Any("error", err))
		}
	}()
	return p, nil
}

// url is where the SMS factor sends to.
func (p *phone) url() string { return "http://" + p.listener.Addr().String() + demoPhonePath }

// close ends the phone and the requests to it.
func (p *phone) close() error { return p.server.Close() }

// take shows a message.
func (p *phone) take(w http.ResponseWriter, r *http.Request) {
	var message struct{ To, Text string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxDemoText)).Decode(&message); err != nil {
		http.Error(w, "this is no message", http.StatusBadRequest)
		return
	}
	if err := p.board.post("phone "+message.To, message.Text); err != nil {
		http.Error(w, "nobody reads the messages", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}
