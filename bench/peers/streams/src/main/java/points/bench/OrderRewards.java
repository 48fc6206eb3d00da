package points.bench;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;

import org.apache.avro.Schema;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.state.Stores;

/**
 * The earning of the measured program on Kafka Streams: each order once, a point per 1.00, a reward event with the
 * balance after it, exactly_once_v2. No ledger, no database: state is in RocksDB and its changelog topics.
 */
public final class OrderRewards {
    static final String SEEN = "seen";
    static final String BALANCES = "balances";

    private OrderRewards() {
    }

    /** Orders are keyed by member already, so that nothing is partitioned anew: the best case. */
    private static Topology topology(String orders, String rewards, Schema orderSchema, Schema rewardSchema) {
        Topology topology = new Topology();
        topology.addSource("orders", Serdes.String().deserializer(), Serdes.ByteArray().deserializer(), orders);
        topology.addProcessor("earn", () -> new Earn(orderSchema, rewardSchema), "orders");
        // Nobody reads an id soon after it was written: a cache would only hold it back.
        topology.addStateStore(
            Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(SEEN), Serdes.String(), Serdes.ByteArray())
                .withCachingDisabled(), "earn");
        topology.addStateStore(
            Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(BALANCES), Serdes.String(), Serdes.Long())
                .withCachingEnabled(), "earn");
        topology.addSink("rewards", rewards, Serdes.String().serializer(), Serdes.ByteArray().serializer(), "earn");
        return topology;
    }

    private static Properties settings(String brokers, String application, Path state, String threads) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, application);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, state.toString());
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, threads);
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64L << 20);
        settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 5000);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 << 10);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 64L << 20);
        // commit.interval.ms stays what it is for exactly_once_v2: 100.
        return settings;
    }

    /** Arguments: brokers, application id, topic of orders, of rewards, state's folder, threads, folder of schemas. */
    public static void main(String[] args) throws Exception {
        Path schemas = Path.of(args[6]);
        Schema order = new Schema.Parser().parse(schemas.resolve("order.avsc").toFile());
        Schema reward = new Schema.Parser().parse(schemas.resolve("reward.avsc").toFile());
        CountDownLatch stopped = new CountDownLatch(1);
        KafkaStreams streams = new KafkaStreams(topology(args[2], args[3], order, reward),
            settings(args[0], args[1], Path.of(args[4]), args[5]));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            streams.close(Duration.ofSeconds(20));
            stopped.countDown();
        }));
        streams.start();
        stopped.await();
    }
}
