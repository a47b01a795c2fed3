package state

import "bytes"

// maxCertificate bounds a certificate, and a sealed key.
const maxCertificate = 8192

// Authority is what certifies the nodes: its certificate (DER) and its key, sealed under the master key.
type Authority struct {
	Certificate []byte
	Key         []byte
}

func (a *Authority) wire(w *wire) {
	w.octets(1, &a.Certificate)
	w.octets(2, &a.Key)
}

// Authority returns the certificate (DER) of what certifies the nodes and its key, sealed under the
// master key; both empty until there is one.
func (v View) Authority() (certificate, sealedKey []byte) {
	a := &v.root.meta.Authority
	return a.Certificate, a.Key
}

func (c *Certify) apply(t *txn) Result {
	if len(c.Certificate) == 0 || len(c.Certificate) > maxCertificate || len(c.Key) == 0 || len(c.Key) > maxCertificate {
		return Result{Status: Ignored}
	}
	switch known := t.meta.Authority.Certificate; {
	case len(known) == 0:
	case bytes.Equal(known, c.Certificate):
		return Result{Status: Done}
	default:
		return Result{Status: Conflict}
	}
	next := *t.meta
	next.Authority = Authority{bytes.Clone(c.Certificate), bytes.Clone(c.Key)}
	t.meta = &next
	return Result{Status: Done}
}
