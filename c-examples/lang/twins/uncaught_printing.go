// The twin of uncaught_printing.c.
package main

type Failure struct{ code int32 }

func (f Failure) Error() string {
	panic("no text")
}

func main() {
	panic(Failure{17})
}
