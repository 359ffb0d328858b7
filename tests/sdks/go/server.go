// The scenario of tests/sdks/README.md with github.com/apache/flink-statefun/statefun-sdk-go/v3 3.3.0.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/apache/flink-statefun/statefun-sdk-go/v3/pkg/statefun"
)

var (
	count     = statefun.ValueSpec{Name: "count", ValueType: statefun.Int64Type}
	confirmed = statefun.ValueSpec{Name: "confirmed", ValueType: statefun.Int64Type}
	recent    = statefun.ValueSpec{
		Name:       "recent",
		ValueType:  statefun.StringType,
		Expiration: statefun.ExpireAfterWrite(50 * time.Millisecond),
	}
	lately = statefun.ValueSpec{
		Name:       "lately",
		ValueType:  statefun.StringType,
		Expiration: statefun.ExpireAfterCall(time.Hour),
	}
	sum = statefun.ValueSpec{Name: "sum", ValueType: statefun.Int64Type}

	out   = statefun.TypeNameFrom("demo/out")
	kafka = statefun.TypeNameFrom("demo/kafka")
)

type counter struct {
	namespace string
	total     statefun.TypeName
}

func (c counter) Invoke(ctx statefun.Context, message statefun.Message) error {
	storage, self := ctx.Storage(), ctx.Self()
	if message.IsInt64() {
		c.count(ctx, message.AsInt64())
		return nil
	}
	token, err := statefun.NewCancellationToken("never/" + self.Id)
	if err != nil {
		return err
	}
	switch text := message.AsString(); text {
	case "remind":
		ctx.SendAfter(200*time.Millisecond, statefun.MessageBuilder{Target: self, Value: "due"})
		never := statefun.MessageBuilder{Target: self, Value: "never"}
		ctx.SendAfterWithCancellationToken(time.Hour, token, never)
	case "forget":
		ctx.CancelDelayedMessage(token)
	case "reset":
		storage.Remove(count)
	case "confirmed":
		var number int64
		storage.Get(confirmed, &number)
		storage.Set(confirmed, number+1)
	default:
		wasRecent, wasLately := "gone", "gone"
		storage.Get(recent, &wasRecent)
		storage.Get(lately, &wasLately)
		c.tell(ctx, fmt.Sprintf("%s: recent=%s lately=%s", text, wasRecent, wasLately))
	}
	return nil
}

func (c counter) count(ctx statefun.Context, number int64) {
	storage := ctx.Storage()
	var counted int64
	storage.Get(count, &counted)
	counted += number
	storage.Set(count, counted)
	storage.Set(recent, fmt.Sprint(number))
	storage.Set(lately, fmt.Sprint(number))
	all := statefun.Address{FunctionType: c.total, Id: "all"}
	ctx.Send(statefun.MessageBuilder{Target: all, Value: number})
	if caller := ctx.Caller(); caller != nil {
		ctx.Send(statefun.MessageBuilder{Target: *caller, Value: counted})
	}
	c.tell(ctx, fmt.Sprintf("counts %d", counted))
	ctx.SendEgress(statefun.KafkaEgressBuilder{
		Target: kafka,
		Topic:  "counts",
		Key:    ctx.Self().Id,
		Value:  fmt.Sprintf("%s %d", c.namespace, number),
	})
}

func (c counter) tell(ctx statefun.Context, text string) {
	line := fmt.Sprintf("%s %s %s", c.namespace, ctx.Self().Id, text)
	ctx.SendEgress(statefun.GenericEgressBuilder{Target: out, Value: line, ValueType: statefun.StringType})
}

func total(ctx statefun.Context, message statefun.Message) error {
	var summed int64
	ctx.Storage().Get(sum, &summed)
	ctx.Storage().Set(sum, summed+message.AsInt64())
	ctx.Send(statefun.MessageBuilder{Target: *ctx.Caller(), Value: "confirmed"})
	return nil
}

func main() {
	listen, namespace, totals := os.Args[1], os.Args[2], os.Args[3]
	functions := statefun.StatefulFunctionsBuilder()
	for _, spec := range []statefun.StatefulFunctionSpec{
		{
			FunctionType: statefun.TypeNameFrom(namespace + "/counter"),
			States:       []statefun.ValueSpec{count, confirmed, recent, lately},
			Function:     counter{namespace, statefun.TypeNameFrom(totals)},
		},
		{
			FunctionType: statefun.TypeNameFrom(namespace + "/total"),
			States:       []statefun.ValueSpec{sum},
			Function:     statefun.StatefulFunctionPointer(total),
		},
	} {
		if err := functions.WithSpec(spec); err != nil {
			log.Fatal(err)
		}
	}
	network, address := "tcp", listen
	if strings.HasPrefix(listen, "unix:") {
		network, address = "unix", strings.TrimPrefix(listen, "unix:")
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		log.Fatal(err)
	}
	if network == "tcp" {
		listen = listener.Addr().String()
	}
	fmt.Println("listening on", listen)
	go func() { log.Fatal(http.Serve(listener, functions.AsHandler())) }()
	// Standard input ends when whoever started this is gone.
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		log.Fatal(err)
	}
}
