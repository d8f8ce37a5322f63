// The twin of uncaught.c.
package main

import "fmt"

func main() {
	defer fmt.Println("deferred")
	panic(fmt.Sprintf("boom: %d\nsecond line", 1))
}
