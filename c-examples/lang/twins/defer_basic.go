// The twin of defer_basic.c.
package main

import "fmt"

func order() {
	defer fmt.Println("deferred first")
	defer fmt.Println("deferred second")
	fmt.Println("body")
}

func arguments() {
	i := 1
	defer fmt.Println("deferred", i)
	i = 2
	fmt.Println("body", i)
}

func loop() {
	for i := 0; i < 7; i++ {
		defer fmt.Println("deferred", i)
	}
	fmt.Println("loop over")
}

func result() (r int) {
	defer func() { r *= 2 }()
	return 21
}

func main() {
	order()
	arguments()
	loop()
	fmt.Println("result", result())
}
