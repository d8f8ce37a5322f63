// The twin of if5_nil_receiver.c.
package main

import (
	"fmt"
	"reflect"
)

type Account struct{ cents int64 }

func (a Account) Balance() int64 { return a.cents }
func (a *Account) IsOpen() int {
	if a != nil {
		return 1
	}
	return 0
}

type Owned interface {
	IsOpen() int
	Balance() int64
}

func balance(i Owned) {
	fmt.Printf("balance %d\n", i.Balance())
}

func balanceByName(i Owned) {
	fmt.Printf("balance %d\n", reflect.ValueOf(i).MethodByName("Balance").Call(nil)[0].Int())
}

func try(f func(Owned), i Owned) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Println(r)
		}
	}()
	f(i)
}

func main() {
	var open, closed Owned = &Account{250}, (*Account)(nil)
	try(balance, open)
	try(balance, closed)
	try(balance, closed)
	fmt.Println("open", open.IsOpen(), closed.IsOpen())
	try(balanceByName, open)
	try(balanceByName, closed)
}
