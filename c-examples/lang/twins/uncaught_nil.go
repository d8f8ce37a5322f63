// The twin of uncaught_nil.c.
package main

func main() {
	panic(nil)
}
