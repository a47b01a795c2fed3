package servers

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The account of every Kannel of this package. The password holds what a URL must escape.
const (
	KannelUser     = "sallyport"
	KannelPassword = "kannel&pass=%41+1"
)

// fakeSMSC is the SMSC simulator of Debian's kannel-extras.
const fakeSMSC = "/usr/lib/kannel/test/fakesmsc"

// KannelOptions says where a Kannel listens.
type KannelOptions struct {
	// Address is the loopback address to listen on; empty means 127.0.0.1.
	Address string
}

// Kannel is a running Kannel, bearerbox and smsbox, with a simulated SMSC in which the messages end.
// Methods are safe for concurrent use.
//
// The port to which the SMSC connects (smsc = fake) would be bound to every interface; "our-host" in
// its group keeps it on loopback, as the ports' own settings keep the others.
type Kannel struct {
	bearerbox, smsbox, smsc running

	address                         string
	admin, boxes, smscPort, sendsms int
	config, messages                string
	read                            reader
}

// StartKannel starts a Kannel for the duration of a test.
func StartKannel(t T, opt KannelOptions) *Kannel {
	t.Helper()
	k, err := NewKannel(t.TempDir(), opt)
	if err != nil {
		t.Fatalf("start kannel: %v", err)
	}
	t.Cleanup(k.Stop)
	return k
}

// NewKannel writes a configuration into dir, starts Kannel on it and waits until the SMSC is linked.
func NewKannel(dir string, opt KannelOptions) (*Kannel, error) {
	if opt.Address == "" {
		opt.Address = "127.0.0.1"
	}
	k := &Kannel{address: opt.Address, config: filepath.Join(dir, "kannel.conf"), messages: filepath.Join(dir, "messages.log")}
	for _, port := range []*int{&k.admin, &k.boxes, &k.smscPort, &k.sendsms} {
		var err error
		if *port, err = FreePort(opt.Address); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(k.config, []byte(k.configuration()), 0o600); err != nil {
		return nil, err
	}
	if err := k.start(); err != nil {
		k.Stop()
		return nil, err
	}
	return k, nil
}

func (k *Kannel) configuration() string {
	return fmt.Sprintf(`group = core
admin-port = %[2]d
admin-interface = %[1]s
admin-password = admin
smsbox-port = %[3]d
smsbox-interface = %[1]s
box-deny-ip = "*.*.*.*"
box-allow-ip = "%[1]s"
sms-resend-freq = 1

group = smsc
smsc = fake
smsc-id = sim
host = %[1]s
our-host = %[1]s
port = %[4]d
connect-allow-ip = %[1]s

group = smsbox
smsbox-id = box
bearerbox-host = %[1]s
bearerbox-port = %[3]d
sendsms-port = %[5]d
sendsms-interface = %[1]s
global-sender = 1234

group = sendsms-user
username = %[6]s
password = "%[7]s"
max-messages = 1
`, k.address, k.admin, k.boxes, k.smscPort, k.sendsms, KannelUser, KannelPassword)
}

func (k *Kannel) start() error {
	for _, box := range []struct {
		server *running
		name   string
		port   int
	}{{&k.bearerbox, "/usr/sbin/bearerbox", k.boxes}, {&k.smsbox, "/usr/sbin/smsbox", k.sendsms}} {
		proc, err := startProcess(box.name, []string{"-v", "1", k.config})
		if err != nil {
			return err
		}
		box.server.mu.Lock()
		box.server.proc = proc
		box.server.mu.Unlock()
		if err := proc.waitFor(context.Background(), net.JoinHostPort(k.address, strconv.Itoa(box.port))); err != nil {
			return err
		}
	}
	return k.LinkUp()
}

// LinkUp connects the SMSC, and waits until Kannel sends to it.
func (k *Kannel) LinkUp() error {
	// The simulator connects once, and gives up at once where nobody listens yet.
	if err := k.waitStatus("connecting, rcvd"); err != nil {
		return err
	}
	log, err := os.OpenFile(k.messages, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	// It must have a message that goes the other way, which nobody reads; the next would come in 11 days.
	proc, err := startProcessTo(log, fakeSMSC, []string{"-m", "-1", "-i", "1000000", "-H", k.address,
		"-r", strconv.Itoa(k.smscPort), "1 2 text hello"})
	if err != nil {
		return err
	}
	k.smsc.mu.Lock()
	k.smsc.proc = proc
	k.smsc.mu.Unlock()
	return k.waitStatus("(online", "smsbox:box")
}

// LinkDown ends the SMSC, and waits until Kannel knows. Messages then wait in Kannel until [Kannel.LinkUp].
func (k *Kannel) LinkDown() error {
	k.smsc.Kill()
	return k.waitStatus("connecting, rcvd")
}

// waitStatus waits until the status page of bearerbox holds all words.
func (k *Kannel) waitStatus(words ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), readyWithin)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		page := k.status()
		missing := false
		for _, word := range words {
			missing = missing || !strings.Contains(page, word)
		}
		if !missing {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("kannel's status does not say %q: %s", words, page)
		case <-tick.C:
		}
	}
}

// status returns bearerbox's status page, or why there is none.
func (k *Kannel) status() string {
	client := http.Client{Timeout: time.Second}
	resp, err := client.Get(fmt.Sprintf("http://%s:%d/status.txt?password=admin", k.address, k.admin))
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return err.Error()
	}
	return string(page)
}

// URL is where messages are handed in. It can be reached from this machine only.
func (k *Kannel) URL() string {
	return fmt.Sprintf("http://%s:%d/cgi-bin/sendsms", k.address, k.sendsms)
}

// FactorConfig is the [factors.sms] table for this Kannel. Further keys may be appended.
func (k *Kannel) FactorConfig() string {
	return fmt.Sprintf(`
[factors.sms]
preset = "kannel"
url = %q
username = %q
password = %q
default_region = "PK"
`, k.URL(), KannelUser, KannelPassword)
}

// Stop ends Kannel and the SMSC. Stopping it twice is allowed.
func (k *Kannel) Stop() {
	// smsbox waits for bearerbox when it is asked to end first.
	for _, server := range []*running{&k.smsc, &k.smsbox, &k.bearerbox} {
		server.end(syscall.SIGKILL)
	}
}
