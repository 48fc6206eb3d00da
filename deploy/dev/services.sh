# shellcheck shell=bash
# The three services: for each, prepare (state made once), start, ready (wait until it does real work), stop.
# Used by deploy/dev/env, which sets DIR, RUN, LOGS and the ports.

KAFKA_VERSION=$(sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' "$HERE/kafka.pom.xml")
KAFKA_JARS=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/points/kafka-$KAFKA_VERSION
KAFKA_HEAP=512m
POSTGRES_BIN=${POSTGRES_BIN:-/usr/lib/postgresql/15/bin}
POSTGRES_USER=points
POSTGRES_DATABASE=points

# ---- kafka ----

# The jars lie outside every environment, so that each further one starts without the network. Made under another name
# and renamed, so that a download cut short is never taken for a whole one.
kafka_fetch() {
    [[ -d $KAFKA_JARS ]] && return
    command -v mvn >/dev/null || die "mvn is missing: run deploy/install-deps"
    say "fetching Kafka $KAFKA_VERSION from Maven Central into $KAFKA_JARS (40 MB, once)"
    mkdir -p "${KAFKA_JARS%/*}"
    local fresh
    fresh=$(mktemp -d "$KAFKA_JARS.XXXXXX")
    if ! mvn -B -q -C -f "$HERE/kafka.pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
        -DoutputDirectory="$fresh" >"$LOGS/maven.log" 2>&1; then
        rm -rf "$fresh"
        tail -n 20 "$LOGS/maven.log" >&2
        die "Kafka's artifacts could not be fetched"
    fi
    chmod 755 "$fresh"
    mv -T "$fresh" "$KAFKA_JARS" 2>/dev/null || rm -rf "$fresh"
}

kafka_java() {
    exec java -Xmx$KAFKA_HEAP -XX:+UseSerialGC -XX:-UsePerfData -Djava.awt.headless=true \
        -Dorg.slf4j.simpleLogger.showDateTime=true -Dorg.slf4j.simpleLogger.dateTimeFormat="yyyy-MM-dd HH:mm:ss.SSS" \
        -cp "$KAFKA_JARS/*" "$@"
}
export -f kafka_java

kafka_settings() {
    cat "$HERE/kafka.properties"
    cat <<SETTINGS
controller.quorum.voters=1@127.0.0.1:$KAFKA_CONTROLLER_PORT
listeners=PLAINTEXT://127.0.0.1:$KAFKA_PORT,CONTROLLER://127.0.0.1:$KAFKA_CONTROLLER_PORT,PROXIED://127.0.0.1:$KAFKA_PROXIED_PORT
advertised.listeners=PLAINTEXT://127.0.0.1:$KAFKA_PORT,PROXIED://127.0.0.1:$KAFKA_PROXY_PORT
log.dirs=$DIR/kafka/data
SETTINGS
}

kafka_prepare() {
    mkdir -p "$DIR/kafka"
    kafka_settings >"$DIR/kafka/server.properties"
    [[ -f $DIR/kafka/data/meta.properties ]] && return
    local id
    id=$(head -c 16 /dev/urandom | base64 | tr '+/' 'ab' | tr -d '=')
    if ! (kafka_java -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=warn kafka.tools.StorageTool \
        format --cluster-id "$id" --config "$DIR/kafka/server.properties") >"$LOGS/kafka-format.log" 2>&1; then
        cat "$LOGS/kafka-format.log" >&2
        return 1
    fi
}

kafka_start() {
    export KAFKA_JARS KAFKA_HEAP
    # shellcheck disable=SC2016
    launch kafka bash -c 'kafka_java kafka.Kafka "$1"' kafka "$DIR/kafka/server.properties"
}

kafka_ready() {
    python3 "$HERE/probe.py" kafka-ready "127.0.0.1:$KAFKA_PORT" "$(pid_of kafka)"
}

kafka_stop() { terminate kafka TERM; }
kafka_address() { echo "127.0.0.1:$KAFKA_PORT"; }

# ---- postgres ----

# PostgreSQL refuses to run as root: then it runs as another user, who may search any folder and nothing else, so that
# the state may lie below a folder that only root can enter.
as_postgres() {
    if ((EUID != 0)); then
        exec "$@"
    fi
    exec setpriv --reuid="$POSTGRES_OS_USER" --regid="$(id -g "$POSTGRES_OS_USER")" --init-groups \
        --inh-caps=-all,+dac_read_search --ambient-caps=+dac_read_search --bounding-set=-all,+dac_read_search "$@"
}
export -f as_postgres

postgres_os_user() {
    if ((EUID != 0)); then
        id -un
    elif getent passwd postgres >/dev/null; then
        echo postgres
    else
        echo nobody
    fi
}

# The path of a unix socket holds at most 107 bytes; a deeper folder does without one.
postgres_sockets() {
    local folder=$DIR/postgres/run
    ((${#folder} + 16 < 107)) && echo "$folder"
}

postgres_settings() {
    printf "port = %s\nunix_socket_directories = '%s'\ninclude '%s'\n" \
        "$POSTGRES_PORT" "$(postgres_sockets)" "$DIR/postgres/dev.conf"
}

postgres_prepare() {
    local data=$DIR/postgres/data
    POSTGRES_OS_USER=$(postgres_os_user)
    export POSTGRES_OS_USER
    if [[ ! -f $data/PG_VERSION ]]; then
        rm -rf "$DIR/postgres"
        mkdir -p "$DIR/postgres/run"
        # Others on the machine can reach the port; a superuser of the database is as good as its system user.
        (umask 077 && head -c 18 /dev/urandom | base64 | tr '+/' 'ab' >"$DIR/postgres/password")
        ((EUID != 0)) || chown -R "$POSTGRES_OS_USER:" "$DIR/postgres"
        chmod 700 "$DIR/postgres"
        if ! (cd "$DIR/postgres" && as_postgres "$POSTGRES_BIN/initdb" -D "$data.new" -U "$POSTGRES_USER" -E UTF8 \
            --no-locale --no-sync --auth=scram-sha-256 --pwfile="$DIR/postgres/password") \
            >"$LOGS/postgres-initdb.log" 2>&1; then
            cat "$LOGS/postgres-initdb.log" >&2
            return 1
        fi
        mv "$data.new" "$data"
        echo "include_if_exists '$DIR/postgres/ports.conf'" >>"$data/postgresql.conf"
    fi
    cp "$HERE/postgres.conf" "$DIR/postgres/dev.conf"
    postgres_settings >"$DIR/postgres/ports.conf"
    chmod 644 "$DIR/postgres/dev.conf" "$DIR/postgres/ports.conf"
}

postgres_start() {
    POSTGRES_OS_USER=$(postgres_os_user)
    export POSTGRES_OS_USER
    postgres_forget_zombie
    # shellcheck disable=SC2016
    launch postgres bash -c 'cd "$1" && as_postgres "$2" -D "$1"' postgres "$DIR/postgres/data" "$POSTGRES_BIN/postgres"
}

# Where nobody reaps orphans (a container without an init), a killed postmaster's pid stays taken, and the next one takes
# it for running.
postgres_forget_zombie() {
    local file pid
    for file in "$DIR/postgres/data/postmaster.pid" "$DIR"/postgres/run/.s.PGSQL.*.lock; do
        if read -r pid 2>/dev/null <"$file" && ! start_time "$pid" >/dev/null; then
            rm -f "$file"
        fi
    done
}

postgres_query() {
    PGPASSWORD=$(<"$DIR/postgres/password") PGCONNECT_TIMEOUT=5 "$POSTGRES_BIN/psql" -XqAt -v ON_ERROR_STOP=1 \
        -h 127.0.0.1 -p "$POSTGRES_PORT" -U "$POSTGRES_USER" "$@"
}

postgres_ready() {
    local left=1200
    until "$POSTGRES_BIN/pg_isready" -q -h 127.0.0.1 -p "$POSTGRES_PORT" \
        && [[ $(postgres_query -d postgres -c 'SELECT 1' 2>/dev/null) == 1 ]]; do
        if ! pid_of postgres >/dev/null || ((left-- <= 0)); then
            return 1
        fi
        sleep 0.05
    done
    if [[ -z $(postgres_query -d postgres -c "SELECT 1 FROM pg_database WHERE datname = '$POSTGRES_DATABASE'") ]]; then
        postgres_query -d postgres -c "CREATE DATABASE $POSTGRES_DATABASE"
    fi
}

# Fast: open transactions are rolled back and their clients told.
postgres_stop() { terminate postgres INT; }
postgres_address() { echo "127.0.0.1:$POSTGRES_PORT"; }
postgres_url() {
    echo "postgresql://$POSTGRES_USER:$(<"$DIR/postgres/password")@127.0.0.1:$POSTGRES_PORT/$POSTGRES_DATABASE"
}

# ---- redis ----

redis_prepare() { mkdir -p "$DIR/redis"; }

redis_start() {
    launch redis redis-server "$HERE/redis.conf" --port "$REDIS_PORT" --dir "$DIR/redis"
}

redis_ready() {
    local left=1200
    until [[ $(redis-cli -h 127.0.0.1 -p "$REDIS_PORT" PING 2>/dev/null) == PONG ]]; do
        if ! pid_of redis >/dev/null || ((left-- <= 0)); then
            return 1
        fi
        sleep 0.05
    done
}

redis_stop() { terminate redis TERM; }
redis_address() { echo "127.0.0.1:$REDIS_PORT"; }
