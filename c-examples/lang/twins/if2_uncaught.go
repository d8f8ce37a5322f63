// The twin of if2_uncaught.c; its goroutine has the number 1.
package main

import "fmt"

func main() {
	defer fmt.Println("deferred")
	var v any = "text"
	_ = v.(int64)
	fmt.Println("not reached")
}
