package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// quietZone is the light border around a QR code in modules (ISO/IEC 18004 §6.3.8): scanners need it.
const quietZone = 4

// qrMatrix returns the modules of the code for text, quiet zone included; true is dark.
func qrMatrix(text string) ([][]bool, error) {
	code, err := qr.Encode(text, qr.L, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("draw the QR code: %w", err)
	}
	size := code.Bounds().Dx()
	m := make([][]bool, size+2*quietZone)
	for y := range m {
		m[y] = make([]bool, size+2*quietZone)
	}
	for y := range size {
		for x := range size {
			r, _, _, _ := code.At(x, y).RGBA()
			m[y+quietZone][x+quietZone] = r == 0
		}
	}
	return m, nil
}

const (
	blackOnWhite = "\x1b[38;5;16;48;5;231m"
	plainColours = "\x1b[0m"
)

// drawQR writes two modules a character. With colours the dark modules are drawn black on white,
// whatever the terminal's own colours are. Without, the light modules are drawn, as is right for
// light text on dark ground; scanners mostly read the reverse too.
func drawQR(w io.Writer, m [][]bool, colours bool) {
	for y := 0; y < len(m); y += 2 {
		var line strings.Builder
		if colours {
			line.WriteString(blackOnWhite)
		}
		for x := range m[y] {
			upper, lower := m[y][x], y+1 < len(m) && m[y+1][x]
			line.WriteRune(halfBlock(upper == colours, lower == colours))
		}
		if colours {
			line.WriteString(plainColours)
		}
		fmt.Fprintln(w, line.String())
	}
}

// halfBlock returns the character whose upper and lower halves are inked.
func halfBlock(upper, lower bool) rune {
	switch {
	case upper && lower:
		return '█'
	case upper:
		return '▀'
	case lower:
		return '▄'
	}
	return ' '
}
