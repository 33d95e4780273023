package packet_test

import (
	"fmt"

	"github.com/kachi-io/kachi/socketio/packet"
)

func ExampleEncodeEvent() {
	data, attachments, err := packet.EncodeEvent("upload", []any{"picture.png", []byte{0x89, 'P', 'N', 'G'}})
	if err != nil {
		fmt.Println(err)
		return
	}
	p := packet.Packet{Type: packet.Event, Namespace: "/files", ID: 7, Data: data, Attachments: attachments}
	fmt.Printf("%s\n", packet.Append(nil, &p))
	fmt.Printf("%q\n", attachments)
	// Output:
	// 51-/files,7["upload","picture.png",{"_placeholder":true,"num":0}]
	// ["\x89PNG"]
}

func ExampleDecoder() {
	var d packet.Decoder
	_, complete, _ := d.Text([]byte(`51-/files,7["upload","picture.png",{"_placeholder":true,"num":0}]`))
	fmt.Println("complete:", complete)
	p, complete, _ := d.Binary([]byte{0x89, 'P', 'N', 'G'})
	fmt.Println("complete:", complete)

	name, args, err := packet.ParseEvent(&p)
	if err != nil {
		fmt.Println(err)
		return
	}
	var file string
	var data []byte
	if err := args.Decode(&file, &data); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s %s %q, to be acknowledged as %d\n", name, file, data, p.ID)
	// Output:
	// complete: false
	// complete: true
	// upload picture.png "\x89PNG", to be acknowledged as 7
}
