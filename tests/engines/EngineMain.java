import java.lang.reflect.Proxy;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.statefun.flink.core.StatefulFunctionsJob;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironmentFactory;

/**
 * Runs the unmodified StatefulFunctionsJob on Flink's own MiniCluster, in one process.
 *
 * <p>Usage: java -cp CLASSES:CONF_DIR:JARS/* EngineMain CONF_DIR [CHECKPOINT]
 *
 * <p>CONF_DIR holds flink-conf.yaml and module.yaml; the job goes on from CHECKPOINT when there is one. The same source
 * serves StateFun 2.2.2 (Flink 1.11) and 3.3.0 (Flink 1.16).
 */
public final class EngineMain extends StreamExecutionEnvironment {
  public static void main(String[] args) {
    try {
      run(args);
    } catch (Throwable failure) {
      failure.printStackTrace();
      System.exit(1); // threads of Flink's would keep a process alive that does nothing
    }
  }

  private static void run(String[] args) throws Exception {
    Configuration conf = GlobalConfiguration.loadConfiguration(args[0]);
    if (args.length > 1) {
      conf.setString("execution.savepoint.path", args[1]);
    }
    // A local environment cannot be made any more once a factory of contexts is set.
    StreamExecutionEnvironment environment = createLocalEnvironment(1, conf);
    environment.configure(conf, Thread.currentThread().getContextClassLoader());
    // The one method of the factory takes no argument in Flink 1.11 and one in 1.16; a proxy is both.
    initializeContextEnvironment(
        (StreamExecutionEnvironmentFactory)
            Proxy.newProxyInstance(
                EngineMain.class.getClassLoader(),
                new Class<?>[] {StreamExecutionEnvironmentFactory.class},
                (proxy, method, arguments) -> environment));
    StatefulFunctionsJob.main(new String[0]);
  }
}
