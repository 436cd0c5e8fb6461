import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import software.amazon.dynamodb.services.local.main.ServerRunner;
import software.amazon.dynamodb.services.local.server.DynamoDBProxyServer;

/**
 * DynamoDB Local on the loopback interface alone. Its own main class listens on every interface and has no option
 * for less. Prints `listening PORT` once it answers; ends when its standard input does.
 */
public final class LoopbackServer {
  public static void main(String[] arguments) throws Exception {
    String[] options = {"-inMemory", "-disableTelemetry", "-port", "8000"};
    DynamoDBProxyServer proxy = ServerRunner.createServerFromCommandLineArgs(options);
    var field = DynamoDBProxyServer.class.getDeclaredField("server");
    field.setAccessible(true);
    Server server = (Server) field.get(proxy);
    for (Connector connector : server.getConnectors()) {
      ((ServerConnector) connector).setHost("127.0.0.1");
      ((ServerConnector) connector).setPort(0);
    }
    proxy.safeStart();
    int port = ((ServerConnector) server.getConnectors()[0]).getLocalPort();
    System.out.println("listening " + port);
    while (System.in.read() != -1) {}
    System.exit(0);
  }
}
