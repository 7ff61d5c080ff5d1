// Command testservers builds the S3 servers that the tests run against, so
// that the minutes which that takes do not count against a test's time.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"exhibit/store/storetest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	paths, err := storetest.BuildServers(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testservers:", err)
		os.Exit(1)
	}
	for _, path := range paths {
		fmt.Println(path)
	}
}
