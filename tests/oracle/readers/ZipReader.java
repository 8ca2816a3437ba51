import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.zip.ZipFile;
import java.util.zip.ZipInputStream;

/** usage: java ZipReader.java file|stream PACKAGE      prints "SHA256 NAME" for each entry, as zip_reader.go */
class ZipReader {
  private static final PrintStream out = new PrintStream(System.out, false, java.nio.charset.StandardCharsets.UTF_8);

  public static void main(String[] words) throws Exception {
    if (words[0].equals("file")) readFile(words[1]);
    else readStream(Path.of(words[1]));
    out.flush();
  }

  private static void readFile(String path) throws Exception {
    try (var zip = new ZipFile(path)) {
      for (var entries = zip.entries(); entries.hasMoreElements(); ) {
        var entry = entries.nextElement();
        try (var content = zip.getInputStream(entry)) {
          print(entry.getName(), content);
        }
      }
    }
  }

  private static void readStream(Path path) throws Exception {
    try (var zip = new ZipInputStream(Files.newInputStream(path))) {
      for (var entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) print(entry.getName(), zip);
    }
  }

  private static void print(String name, InputStream content) throws IOException, java.security.NoSuchAlgorithmException {
    var digest = MessageDigest.getInstance("SHA-256");
    var buffer = new byte[1 << 18];
    for (int count = content.read(buffer); count > 0; count = content.read(buffer)) digest.update(buffer, 0, count);
    out.println(HexFormat.of().formatHex(digest.digest()) + " " + name);
  }
}
