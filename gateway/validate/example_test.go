package validate_test

import (
	"context"
	"fmt"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/validate"
)

type Order struct {
	Items []Item `json:"items" validate:"min=1,dive"`
}

type Item struct {
	Name  string `json:"name" validate:"required"`
	Count int    `json:"count" validate:"max=100" default:"1"`
}

// Rules and defaults stand in the tags of an input.
func Example() {
	v := validate.New(nil) // for gateway.Options.Validator
	order := &Order{Items: []Item{{Name: "tea"}, {Count: 500}}}
	err := v.Validate(context.Background(), order)
	fmt.Println(order.Items[0])
	for _, field := range err.(*gateway.Error).Details.([]gateway.FieldError) {
		fmt.Println(field.Path, field.Rule, field.Message)
	}
	// Output:
	// {tea 1}
	// items[1].name required name is a required field
	// items[1].count max count must be 100 or less
}
