// The scenario of tests/sdks/README.md with org.apache.flink:statefun-sdk-java 3.3.0.

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.flink.statefun.sdk.java.Address;
import org.apache.flink.statefun.sdk.java.AddressScopedStorage;
import org.apache.flink.statefun.sdk.java.Context;
import org.apache.flink.statefun.sdk.java.StatefulFunction;
import org.apache.flink.statefun.sdk.java.StatefulFunctionSpec;
import org.apache.flink.statefun.sdk.java.StatefulFunctions;
import org.apache.flink.statefun.sdk.java.TypeName;
import org.apache.flink.statefun.sdk.java.ValueSpec;
import org.apache.flink.statefun.sdk.java.handler.RequestReplyHandler;
import org.apache.flink.statefun.sdk.java.io.KafkaEgressMessage;
import org.apache.flink.statefun.sdk.java.message.EgressMessageBuilder;
import org.apache.flink.statefun.sdk.java.message.Message;
import org.apache.flink.statefun.sdk.java.message.MessageBuilder;
import org.apache.flink.statefun.sdk.java.slice.Slices;

public final class Server {

  private static final ValueSpec<Long> COUNT = ValueSpec.named("count").withLongType();
  private static final ValueSpec<Long> CONFIRMED = ValueSpec.named("confirmed").withLongType();
  private static final ValueSpec<String> RECENT =
      ValueSpec.named("recent").thatExpireAfterWrite(Duration.ofMillis(50)).withUtf8StringType();
  private static final ValueSpec<String> LATELY =
      ValueSpec.named("lately").thatExpiresAfterCall(Duration.ofHours(1)).withUtf8StringType();
  private static final ValueSpec<Long> SUM = ValueSpec.named("sum").withLongType();

  private static final TypeName OUT = TypeName.typeNameFromString("demo/out");
  private static final TypeName KAFKA = TypeName.typeNameFromString("demo/kafka");

  private record Counter(String namespace, TypeName total) implements StatefulFunction {

    @Override
    public CompletableFuture<Void> apply(Context context, Message message) {
      AddressScopedStorage storage = context.storage();
      Address self = context.self();
      if (message.isLong()) {
        count(context, message.asLong());
        return context.done();
      }
      String text = message.asUtf8String();
      String token = "never/" + self.id();
      switch (text) {
        case "remind" -> {
          context.sendAfter(Duration.ofMillis(200), MessageBuilder.forAddress(self).withValue("due").build());
          context.sendAfter(Duration.ofHours(1), token, MessageBuilder.forAddress(self).withValue("never").build());
        }
        case "forget" -> context.cancelDelayedMessage(token);
        case "reset" -> storage.remove(COUNT);
        case "confirmed" -> storage.set(CONFIRMED, storage.get(CONFIRMED).orElse(0L) + 1);
        default -> {
          String recent = storage.get(RECENT).orElse("gone");
          String lately = storage.get(LATELY).orElse("gone");
          tell(context, text + ": recent=" + recent + " lately=" + lately);
        }
      }
      return context.done();
    }

    private void count(Context context, long number) {
      AddressScopedStorage storage = context.storage();
      long count = storage.get(COUNT).orElse(0L) + number;
      storage.set(COUNT, count);
      storage.set(RECENT, Long.toString(number));
      storage.set(LATELY, Long.toString(number));
      context.send(MessageBuilder.forAddress(total, "all").withValue(number).build());
      context
          .caller()
          .ifPresent(caller -> context.send(MessageBuilder.forAddress(caller).withValue(count).build()));
      tell(context, "counts " + count);
      context.send(
          KafkaEgressMessage.forEgress(KAFKA)
              .withTopic("counts")
              .withUtf8Key(context.self().id())
              .withUtf8Value(namespace + " " + number)
              .build());
    }

    private void tell(Context context, String text) {
      String line = namespace + " " + context.self().id() + " " + text;
      context.send(EgressMessageBuilder.forEgress(OUT).withValue(line).build());
    }
  }

  private static CompletableFuture<Void> sum(Context context, Message message) {
    context.storage().set(SUM, context.storage().get(SUM).orElse(0L) + message.asLong());
    Address caller = context.caller().orElseThrow();
    context.send(MessageBuilder.forAddress(caller).withValue("confirmed").build());
    return context.done();
  }

  public static void main(String[] arguments) throws IOException {
    String[] listen = arguments[0].split(":");
    String namespace = arguments[1];
    Counter counter = new Counter(namespace, TypeName.typeNameFromString(arguments[2]));
    RequestReplyHandler handler =
        new StatefulFunctions()
            .withStatefulFunction(
                StatefulFunctionSpec.builder(TypeName.typeNameOf(namespace, "counter"))
                    .withValueSpecs(COUNT, CONFIRMED, RECENT, LATELY)
                    .withSupplier(() -> counter))
            .withStatefulFunction(
                StatefulFunctionSpec.builder(TypeName.typeNameOf(namespace, "total"))
                    .withValueSpec(SUM)
                    .withSupplier(() -> Server::sum))
            .requestReplyHandler();
    HttpServer server = HttpServer.create(new InetSocketAddress(listen[0], Integer.parseInt(listen[1])), 128);
    ExecutorService threads = Executors.newFixedThreadPool(8);
    server.setExecutor(threads);
    server.createContext(
        "/",
        exchange -> {
          try (exchange) {
            byte[] request = exchange.getRequestBody().readAllBytes();
            byte[] answer = handler.handle(Slices.wrap(request)).join().toByteArray();
            exchange.getResponseHeaders().set("Content-Type", "application/octet-stream");
            exchange.sendResponseHeaders(200, answer.length);
            try (OutputStream body = exchange.getResponseBody()) {
              body.write(answer);
            }
          } catch (RuntimeException error) {
            error.printStackTrace();
            exchange.sendResponseHeaders(500, -1);
          }
        });
    server.start();
    System.out.println("listening on " + listen[0] + ":" + server.getAddress().getPort());
    while (System.in.read() >= 0) {
      // Standard input ends when whoever started this is gone.
    }
    server.stop(0);
    threads.shutdown();
  }
}
