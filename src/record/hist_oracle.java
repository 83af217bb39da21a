/* Writes hist_oracle.def with the HdrHistogram of Java, or checks that a given file is what it would write.
 * In: the jar of Debian's libhdrhistogram-java. Out: the fixture on stdout; with a file name: exit 0 if it is the same.
 *   java -cp /usr/share/java/hdrhistogram.jar hist_oracle.java > hist_oracle.def
 * The pseudo-random times are the same here and in hist_test.c (`oracle_time`). */
import java.nio.file.Files;
import java.nio.file.Path;
import org.HdrHistogram.Histogram;

class HistOracle {
	static final long HOUR_NS = 3_600_000_000_000L;
	static final long HOUR_US = 3_600_000_000L;
	static final double[] QUANTILES = {0.001, 0.07, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1};
	static final int[] SIZES = {1, 2, 7, 99, 100, 101, 1000, 10000, 20000};
	static final StringBuilder out = new StringBuilder();
	static long state;

	static long time() {
		state = state * 6364136223846793005L + 1442695040888963407L;
		return (state >>> 23) >>> ((state >>> 5) % 38);
	}

	static void edges(String macro, Histogram histogram, long max) {
		for (long base = 1; base <= max; base *= 2)
			for (long value = Math.max(base - 2, 0); value <= Math.min(base + 3, max); value++)
				edge(macro, histogram, value);
		for (long value = 3; value <= max; value = value * 7 + 5) edge(macro, histogram, value);
		edge(macro, histogram, max);
	}

	static void edge(String macro, Histogram histogram, long value) {
		out.append(String.format("%s(%d, %d, %d)%n", macro, value, histogram.lowestEquivalentValue(value), histogram.highestEquivalentValue(value)));
	}

	static void quantiles(String macro, int digits, long max, long modulus) {
		for (int size : SIZES) {
			Histogram histogram = new Histogram(1, max, digits);
			state = size;
			for (int i = 0; i < size; i++) histogram.recordValue(time() % modulus);
			for (double q : QUANTILES) out.append(String.format("%s(%d, %s, %d)%n", macro, size, Double.toString(q), histogram.getValueAtPercentile(q * 100)));
		}
	}

	public static void main(String[] args) throws Exception {
		out.append("/* Made by hist_oracle.java with HdrHistogram 2.1.11, lowest 1, highest one hour. *_EDGE(value, lowest and highest equivalent),\n"
			+ " * *_QUANTILE(number of times from seed = number, q, value). HIST: ns, 3 digits; HISTLET: us, 2 digits. */\n");
		out.append("#ifdef HIST_EDGE\n");
		edges("HIST_EDGE", new Histogram(1, HOUR_NS, 3), HOUR_NS);
		out.append("#endif\n#ifdef HIST_QUANTILE\n");
		quantiles("HIST_QUANTILE", 3, HOUR_NS, HOUR_NS);
		out.append("#endif\n#ifdef HISTLET_EDGE\n");
		edges("HISTLET_EDGE", new Histogram(1, HOUR_US, 2), HOUR_US);
		out.append("#endif\n#ifdef HISTLET_QUANTILE\n");
		quantiles("HISTLET_QUANTILE", 2, HOUR_US, HOUR_US);
		out.append("#endif\n");
		if (args.length == 0) {
			System.out.print(out);
			return;
		}
		boolean same = Files.readString(Path.of(args[0])).equals(out.toString());
		System.out.println((same ? "ok" : "not ok") + " 1 - hist_oracle.def is what Java's HdrHistogram gives\n1..1");
		System.exit(same ? 0 : 1);
	}
}
