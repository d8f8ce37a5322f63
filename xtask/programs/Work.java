import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/** Threads that use the Java heap, and the C heap by way of zlib and direct buffers. */
public class Work {
    static String work(int seed) {
        TreeMap<String, List<Integer>> table = new TreeMap<>();
        CRC32 sum = new CRC32();
        for (int i = 0; i < 30000; i++) {
            seed = seed * 1664525 + 1013904223;
            table.computeIfAbsent(Integer.toHexString(seed >>> 20), key -> new ArrayList<>()).add(i);
        }
        byte[] text = table.toString().getBytes();
        for (int level = 1; level <= 9; level++) {
            Deflater deflater = new Deflater(level);
            deflater.setInput(text);
            deflater.finish();
            byte[] out = new byte[text.length + 100];
            sum.update(out, 0, deflater.deflate(out));
            deflater.end();
            java.nio.ByteBuffer.allocateDirect(100000 * level).put(text, 0, 50000);
        }
        return table.size() + ":" + sum.getValue();
    }

    public static void main(String[] args) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(4);
        List<Callable<String>> jobs = new ArrayList<>();
        for (int seed = 0; seed < 8; seed++) {
            int own = seed;
            jobs.add(() -> work(own));
        }
        for (Future<String> result : pool.invokeAll(jobs))
            System.out.println(result.get());
        pool.shutdown();
    }
}
