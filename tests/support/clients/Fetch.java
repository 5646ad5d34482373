// SPDX-License-Identifier: Apache-2.0
// Java's resolver and its HTTP client of old, which most programs use.
import java.net.HttpURLConnection;
import java.net.URI;

class Fetch {
    public static void main(String[] args) {
        try {
            var url = URI.create("http://" + args[0] + ":" + args[1] + args[2]).toURL();
            var connection = (HttpURLConnection) url.openConnection();
            connection.setConnectTimeout(5000);
            connection.setReadTimeout(5000);
            System.out.println("HTTP " + connection.getResponseCode());
        } catch (Exception e) {
            System.out.println(e);
            System.exit(1);
        }
    }
}
