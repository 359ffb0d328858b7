// The scenario of tests/sdks/README.md with apache-flink-statefun 3.3.0.
"use strict";

const http = require("node:http");
const { StateFun, egressMessageBuilder, kafkaEgressMessage, messageBuilder } = require("apache-flink-statefun");

const [listen, namespace, total] = process.argv.slice(2);

// The SDK for JavaScript has no long: a protobuf message with the number as sfixed64 in its field 1, empty for zero.
const LONG = StateFun.customType(
  "io.statefun.types/long",
  (value) => {
    const bytes = Buffer.alloc(value === 0 ? 0 : 9);
    if (value !== 0) {
      bytes.writeUInt8(0x09);
      bytes.writeBigInt64LE(BigInt(value), 1);
    }
    return bytes;
  },
  (bytes) => (bytes.length === 0 ? 0 : Number(Buffer.from(bytes).readBigInt64LE(1))),
);
const STRING = StateFun.stringType();

const statefun = new StateFun();

// The SDK answers 500 and tells nobody why.
function told(fn) {
  return async (context, message) => {
    try {
      await fn(context, message);
    } catch (error) {
      console.error(error);
      throw error;
    }
  };
}

statefun.bind({
  typename: `${namespace}/counter`,
  specs: [
    { name: "count", type: LONG },
    { name: "confirmed", type: LONG },
    { name: "recent", type: STRING, expireAfterWrite: 50 },
    { name: "lately", type: STRING, expireAfterCall: 3_600_000 },
  ],
  fn: told((context, message) => {
    const { storage, caller } = context;
    const { typename, id } = context.self;
    const tell = (text) =>
      context.send(egressMessageBuilder({ typename: "demo/out", value: `${namespace} ${id} ${text}`, valueType: STRING }));

    if (message.is(LONG)) {
      const number = message.as(LONG);
      storage.count = (storage.count ?? 0) + number;
      storage.recent = String(number);
      storage.lately = String(number);
      context.send(messageBuilder({ typename: total, id: "all", value: number, valueType: LONG }));
      if (caller !== null) {
        const reply = { typename: caller.typename, id: caller.id, value: storage.count, valueType: LONG };
        context.send(messageBuilder(reply));
      }
      tell(`counts ${storage.count}`);
      const record = { typename: "demo/kafka", topic: "counts", key: id, value: `${namespace} ${number}` };
      context.send(kafkaEgressMessage(record));
      return;
    }
    const text = message.asString();
    if (text === "remind") {
      context.sendAfter(200, messageBuilder({ typename, id, value: "due" }));
      context.sendAfter(3_600_000, messageBuilder({ typename, id, value: "never" }), `never/${id}`);
    } else if (text === "forget") {
      context.cancelDelayedMessage(`never/${id}`);
    } else if (text === "reset") {
      storage.count = null;
    } else if (text === "confirmed") {
      storage.confirmed = (storage.confirmed ?? 0) + 1;
    } else {
      tell(`${text}: recent=${storage.recent ?? "gone"} lately=${storage.lately ?? "gone"}`);
    }
  }),
});

statefun.bind({
  typename: `${namespace}/total`,
  specs: [{ name: "sum", type: LONG }],
  fn: told((context, message) => {
    context.storage.sum = (context.storage.sum ?? 0) + message.as(LONG);
    context.send(messageBuilder({ typename: context.caller.typename, id: context.caller.id, value: "confirmed" }));
  }),
});

const server = http.createServer(statefun.handler());
const [host, port] = listen.split(":");
if (host === "unix") {
  server.listen(port, () => console.log(`listening on ${listen}`));
} else {
  server.listen(Number(port), host, () => console.log(`listening on ${host}:${server.address().port}`));
}

// Standard input ends when whoever started this is gone.
process.stdin.resume();
process.stdin.on("end", () => {
  server.close();
  server.closeAllConnections();
});
