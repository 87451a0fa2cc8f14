# SPDX-License-Identifier: Apache-2.0
"""Servers for the tests of the fleet's store, on loopback: Debian's ClickHouse, and the current engine behind engine.py."""
import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
PASSWORD = "a password, with 'signs'"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """A server in a directory of its own."""

    def __init__(self, directory):
        self.directory = directory
        self.port = free_port()
        self.process = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def launch(self, command):
        os.makedirs(self.directory, exist_ok=True)
        with open(f"{self.directory}/out", "ab") as out:
            self.process = subprocess.Popen(command, cwd=self.directory, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                with open(f"{self.directory}/out", encoding="utf-8", errors="replace") as out:
                    raise RuntimeError(f"{command[0]} ended with {self.process.returncode}: {out.read()[-600:]}")
            try:
                if self.is_ready():
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise RuntimeError(f"{command[0]} does not answer on {self.url}")

    def is_ready(self):
        with urllib.request.urlopen(self.url, timeout=2) as answer:
            return answer.status == 200

    def ask(self, statement):
        """An administrator's statement."""
        with urllib.request.urlopen(urllib.request.Request(self.url, statement.encode()), timeout=60) as answer:
            return answer.read().decode().strip()

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """As a power failure: nothing is said to the server, and its files are free afterwards."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        if self.process:
            self.process.wait(timeout=30)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.kill()


class Debian(Server):
    """Debian's ClickHouse 18.16 with three accounts: default for the administrator, agent and reader with a password."""

    name = "18.16"

    def __init__(self, directory, tls=None, keeper=None, replica=""):
        super().__init__(directory)
        replication = "" if not keeper else f"""
            <macros><shard>1</shard><replica>{replica}</replica></macros>
            <zookeeper><node><host>127.0.0.1</host><port>{keeper.port}</port></node></zookeeper>"""
        self.tls_port = free_port() if tls else None
        for part in ("data", "tmp"):
            os.makedirs(f"{directory}/{part}", exist_ok=True)
        hashed = hashlib.sha256(PASSWORD.encode()).hexdigest()
        secure = "" if not tls else f"""
            <https_port>{self.tls_port}</https_port>
            <openSSL><server>
                <certificateFile>{tls}/server.crt</certificateFile><privateKeyFile>{tls}/server.key</privateKeyFile>
                <caConfig>{tls}/ca.crt</caConfig><verificationMode>strict</verificationMode>
                <loadDefaultCAFile>false</loadDefaultCAFile><cacheSessions>false</cacheSessions>
                <disableProtocols>sslv2,sslv3</disableProtocols>
            </server></openSSL>"""
        self.write("config.xml", f"""<yandex>
            <logger><level>warning</level><log>{directory}/log</log><errorlog>{directory}/errors</errorlog></logger>
            <listen_host>127.0.0.1</listen_host><http_port>{self.port}</http_port><tcp_port>{free_port()}</tcp_port>
            <interserver_http_port>{free_port()}</interserver_http_port>
            <interserver_http_host>127.0.0.1</interserver_http_host>{secure}{replication}
            <path>{directory}/data/</path><tmp_path>{directory}/tmp/</tmp_path><users_config>users.xml</users_config>
            <default_profile>default</default_profile><default_database>default</default_database>
            <timezone>UTC</timezone><mark_cache_size>67108864</mark_cache_size></yandex>""")

        def account(name, profile, password):
            return f"""<{name}>{password}<networks><ip>127.0.0.1</ip></networks><profile>{profile}</profile>
                <quota>default</quota></{name}>"""

        secret = f"<password_sha256_hex>{hashed}</password_sha256_hex>"
        self.write("users.xml", f"""<yandex>
            <profiles><default></default><reader><readonly>2</readonly></reader></profiles>
            <users>{account("default", "default", "<password></password>")}{account("agent", "default", secret)}
            {account("reader", "reader", secret)}</users><quotas><default></default></quotas></yandex>""")

    def write(self, name, text):
        with open(f"{self.directory}/{name}", "w", encoding="utf-8") as file:
            file.write(text)

    def start(self):
        self.launch(["clickhouse-server", f"--config-file={self.directory}/config.xml"])


class ZooKeeper(Server):
    """The coordination that replicated tables of 18.16 need."""

    name = "zookeeper"
    jar = "/usr/share/java/zookeeper.jar"

    def start(self):
        os.makedirs(self.directory, exist_ok=True)
        with open(f"{self.directory}/zoo.cfg", "w", encoding="utf-8") as file:
            file.write(
                f"tickTime=500\ndataDir={self.directory}/data\nclientPort={self.port}\nclientPortAddress=127.0.0.1\n"
                "admin.enableServer=false\n4lw.commands.whitelist=ruok\n")
        self.launch(
            ["java", "-Xmx128m", "-cp", self.jar, "org.apache.zookeeper.server.quorum.QuorumPeerMain", f"{self.directory}/zoo.cfg"])

    def is_ready(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
            connection.sendall(b"ruok")
            return connection.recv(4) == b"imok"


class Current(Server):
    """The current engine."""

    name = "current"

    def start(self):
        self.launch([sys.executable, f"{HERE}/engine.py", str(self.port), f"{self.directory}/data"])
