// Pins zlint and everything it is built from; .ci/install-judges builds it.
module fleetkey.example/judges/zlint

go 1.25.0

tool github.com/zmap/zlint/v3/cmd/zlint

require (
	github.com/pelletier/go-toml v1.9.5 // indirect
	github.com/sirupsen/logrus v1.10.2 // indirect
	github.com/weppos/publicsuffix-go v0.50.4-0.20260821095816-b0fdb5c2d345 // indirect
	github.com/zmap/zcrypto v0.0.0-20260906180147-3ed30b1e9340 // indirect
	github.com/zmap/zlint/v3 v3.7.3 // indirect
	golang.org/x/crypto v0.55.0 // indirect
	golang.org/x/net v0.58.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
	golang.org/x/text v0.41.0 // indirect
)

// The pseudo-version that zcrypto asks for is not served by every module proxy; the list of public suffixes
// has no part in the RFC 5280 lints.
replace github.com/weppos/publicsuffix-go => github.com/weppos/publicsuffix-go v0.50.3
