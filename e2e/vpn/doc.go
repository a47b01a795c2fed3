// Package vpn lets people log in through real VPN servers, with tunnels that carry packets, on hosts of
// their own: Sallyport, the gateway and the person's machine. It needs root.
package vpn
