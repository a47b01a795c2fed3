package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// machine describes what the figures were measured on, in a line.
func machine(dir string) string {
	parts := []string{fmt.Sprintf("%d × %s", runtime.NumCPU(), fileValue("/proc/cpuinfo", "model name"))}
	if kernel, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		parts = append(parts, "Linux "+strings.TrimSpace(string(kernel)))
	}
	parts = append(parts, runtime.Version(), version("freeradius"), version("slapd"))
	if sync, err := syncTime(dir); err == nil {
		parts = append(parts, fmt.Sprintf("write of 4 KiB and fsync %v", sync.Round(10*time.Microsecond)))
	}
	return "Machine: " + strings.Join(parts, ", ") + "."
}

// fileValue is the value of the first line "key : value" of a file in /proc.
func fileValue(file, key string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// version is a Debian package's, with its name.
func version(name string) string {
	out, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", name).Output()
	if err != nil {
		return name + " of unknown version"
	}
	return name + " " + string(out)
}

// syncTime is the median time of a write of 4 KiB and an fsync in dir.
func syncTime(dir string) (time.Duration, error) {
	f, err := os.Create(filepath.Join(dir, "sync"))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	block := make([]byte, 4<<10)
	times := make([]time.Duration, 101)
	for i := range times {
		began := time.Now()
		if _, err := f.Write(block); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		times[i] = time.Since(began)
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}
