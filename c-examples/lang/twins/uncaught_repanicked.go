// The twin of uncaught_repanicked.c.
package main

func main() {
	defer func() {
		if v := recover(); v != nil {
			panic(v)
		}
	}()
	panic("again and again")
}
