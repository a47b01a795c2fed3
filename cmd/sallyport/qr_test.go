package main

import (
	"strings"
	"testing"

	"github.com/boombuler/barcode/qr"
)

const testURI = "otpauth://totp/Sallyport:bob?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Sallyport"

// undrawQR reads the half blocks back; ink is what an inked half stands for.
func undrawQR(t *testing.T, drawn string, ink bool) [][]bool {
	t.Helper()
	drawn = strings.NewReplacer(blackOnWhite, "", plainColours, "").Replace(drawn)
	var m [][]bool
	for line := range strings.Lines(drawn) {
		var upper, lower []bool
		for _, r := range strings.TrimSuffix(line, "\n") {
			if !strings.ContainsRune("█▀▄ ", r) {
				t.Fatalf("unexpected %q in the drawing", r)
			}
			upper = append(upper, (r == '█' || r == '▀') == ink)
			lower = append(lower, (r == '█' || r == '▄') == ink)
		}
		m = append(m, upper, lower)
	}
	return m
}

func TestTheDrawnCodeIsTheCode(t *testing.T) {
	code, err := qr.Encode(testURI, qr.L, qr.Auto)
	if err != nil {
		t.Fatal(err)
	}
	size := code.Bounds().Dx()
	for name, colours := range map[string]bool{"black on white": true, "light on dark": false} {
		t.Run(name, func(t *testing.T) {
			m, err := qrMatrix(testURI)
			if err != nil {
				t.Fatal(err)
			}
			var drawn strings.Builder
			drawQR(&drawn, m, colours)
			if strings.Contains(drawn.String(), "\x1b") != colours {
				t.Errorf("escape sequences with colours %v", colours)
			}
			got := undrawQR(t, drawn.String(), colours)
			if len(got) < size+2*quietZone || len(got[0]) != size+2*quietZone {
				t.Fatalf("%d rows of %d modules for a code of %d", len(got), len(got[0]), size)
			}
			for y, row := range got {
				for x, dark := range row {
					cx, cy := x-quietZone, y-quietZone
					want := false // the quiet zone is light
					if cx >= 0 && cy >= 0 && cx < size && cy < size {
						r, _, _, _ := code.At(cx, cy).RGBA()
						want = r == 0
					}
					if dark != want {
						t.Fatalf("module %d,%d is dark: %v", cx, cy, dark)
					}
				}
			}
		})
	}
}

func TestATextThatFitsNoCodeIsAnError(t *testing.T) {
	if _, err := qrMatrix(strings.Repeat("x", 3000)); err == nil { // 2953 octets is the most
		t.Error("no error")
	}
}
