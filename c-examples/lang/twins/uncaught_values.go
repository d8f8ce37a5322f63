// The twin of uncaught_values.c.
package main

import "fmt"

type Failure struct{ code int32 }

func (f Failure) Error() string {
	fmt.Println("Error is called")
	return fmt.Sprintf("failure %d", f.code)
}

func main() {
	panic(Failure{17})
}
