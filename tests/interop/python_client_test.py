"""The official Python client against a real vsoad. VSOA_PYTHON_PATH names a checkout of its repository."""

import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.environ['VSOA_PYTHON_PATH'], 'src'))
import vsoa  # noqa: E402  (the path has to be known first)

PATIENCE = 20.0
COMMANDS = 'commands: { /echo: { plugin: echo }, /publish: { plugin: echo, command: /publish } }'
CONFIG = f'''
position: {{ listen: "127.0.0.1:0", entries: [ {{ name: legacy, address: 10.0.0.9, port: 3001 }} ] }}
services:
  - name: main
    listen: "127.0.0.1:0"
    info: {{ name: main, vendor: acme }}
    {COMMANDS}
    topics: {{ /relay/: {{ relay: true }}, /kept/: {{ relay: true, retain: last }} }}
  - name: guarded
    listen: "127.0.0.1:0"
    credentials: [ {{ role: user, password: "pass-é" }} ]
    {COMMANDS}
'''


class Daemon:
    """vsoad with a configuration of its own; ports are read from its log."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix='vsoa-interop-')
        path = os.path.join(self.directory, 'vsoad.yaml')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(f'plugins: {{ directory: "{os.environ["VSOAD_PLUGIN_DIRECTORY"]}" }}\n{CONFIG}')
        self.process = subprocess.Popen([os.environ['VSOAD_PROGRAM'], '--config', path],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, encoding='utf-8')
        self.output = ''
        for line in self.process.stdout:
            self.output += line
            if re.search(r'\bready\b', line):
                break
        else:
            raise RuntimeError(f'vsoad did not become ready:\n{self.output}')
        # What it says later must not fill the pipe.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def port(self, what):
        return int(re.search(what + r' listening on \S+:(\d+)', self.output).group(1))

    def stop(self):
        self.process.terminate()
        code = self.process.wait(PATIENCE)
        shutil.rmtree(self.directory)
        return code


class Peer:
    """The client with its loop on a thread, and queues instead of callbacks."""

    def __init__(self, port, password=''):
        self.heard = queue.Queue()
        self.client = vsoa.Client()
        self.info = None
        self.client.onconnect = lambda _, connected, info: setattr(self, 'info', info if connected else None)
        self.client.onmessage = lambda _, url, payload, quick: self.heard.put(('publish', url, payload, quick))
        self.client.ondata = lambda _, url, payload, quick: self.heard.put(('datagram', url, payload, quick))
        where = port if isinstance(port, str) else f'vsoa://127.0.0.1:{port}'
        self.code = self.client.connect(where, password)
        self.thread = threading.Thread(target=self.client.run, daemon=True)
        if self.code == vsoa.Client.CONNECT_OK:
            self.thread.start()

    def done(self, request, *arguments):
        """Runs subscribe, unsubscribe or ping and returns whether it succeeded."""
        result = queue.Queue()
        if not request(*arguments, callback=lambda _, good: result.put(good)):
            return False
        return result.get(timeout=PATIENCE)

    def subscribe(self, url):
        return self.done(self.client.subscribe, url)

    def unsubscribe(self, url):
        return self.done(self.client.unsubscribe, url)

    def ping(self):
        return self.done(self.client.ping)

    def fetch(self, url, method=0, **payload):
        return self.client.fetch(url, method, payload, PATIENCE)

    def next(self):
        return self.heard.get(timeout=PATIENCE)


class PythonClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.port = cls.daemon.port('service "main"')
        cls.guarded = cls.daemon.port('service "guarded"')
        cls.position = cls.daemon.port('position')

    @classmethod
    def tearDownClass(cls):
        assert cls.daemon.stop() == 0

    def open(self, *arguments):
        peer = Peer(*arguments)
        self.addCleanup(peer.client.close)
        self.assertEqual(peer.code, vsoa.Client.CONNECT_OK)
        return peer

    def test_connect(self):
        self.assertEqual(self.open(self.port).info, {'name': 'main', 'vendor': 'acme'})

    def test_password(self):
        peer = self.open(self.guarded, 'pass-é')
        header, payload, _ = peer.fetch('/echo', param={'a': 1})
        self.assertEqual((header.status, payload.param), (0, {'a': 1}))
        for wrong in ('wrong', ''):
            peer = Peer(self.guarded, wrong)
            self.addCleanup(peer.client.close)
            self.assertEqual(peer.code, vsoa.Client.INVALID_RESPONDING)

    def test_echo(self):
        peer = self.open(self.port)
        for method in ('GET', 'SET'):
            for param in (None, {}, {'a': [1, 'é😀', None]}, [], 'text', ''):
                for data in (None, b'bytes', bytes([0, 255, 0x29])):
                    header, payload, _ = peer.fetch('/echo', method, param=param, data=data)
                    self.assertEqual(header.status, 0)
                    self.assertEqual(payload.param, param)
                    self.assertEqual(bytes(payload.data or b''), data or b'')

    def test_echo_sizes(self):
        peer = self.open(self.port)
        largest = 262144 - 20 - len('/echo')
        for size in (*range(9), largest - 3, largest):
            data = bytes([size & 255]) * size
            header, payload, _ = peer.fetch('/echo', data=data)
            self.assertEqual(header.status, 0)
            self.assertEqual(bytes(payload.data or b''), data)

    def test_pipelined(self):
        peer = self.open(self.port)
        answers = queue.Queue()
        for n in range(2000):
            sent = peer.client.call('/echo', payload={'param': {'n': n}},
                                    callback=lambda _, h, p, n=n: answers.put((n, h, p)))
            self.assertTrue(sent)
        for _ in range(2000):
            n, header, payload = answers.get(timeout=PATIENCE)
            self.assertEqual((header.status, payload.param), (0, {'n': n}))

    def test_unknown_url(self):
        peer = self.open(self.port)
        for url in ('/nothing', '/echo/x', '/'):
            header, _, code = peer.fetch(url)
            self.assertEqual((header.status, code), (3, vsoa.Client.CONNECT_OK))

    def test_subscribe(self):
        # Where nothing is retained: a subscription to "/" would be handed it.
        subscriber, publisher = (self.open(self.guarded, 'pass-é') for _ in range(2))

        def heard(*urls):
            for url in (*urls, '/end'):
                header, _, _ = publisher.fetch('/publish', param=url, data=url.encode())
                self.assertEqual(header.status, 0)
            got = []
            while True:
                kind, url, payload, quick = subscriber.next()
                if url == '/end':
                    return got
                self.assertEqual((kind, quick, bytes(payload.data)), ('publish', False, url.encode()))
                got.append(url)

        every = ['/one', '/list/a', '/list/b', '/tree', '/tree/x/y', '/trees']
        self.assertTrue(subscriber.subscribe('/end'))
        self.assertEqual(heard(*every), [])
        self.assertTrue(subscriber.subscribe('/one'))
        self.assertEqual(heard(*every), ['/one'])
        self.assertTrue(subscriber.subscribe(['/list/a', '/list/b', '/tree/']))
        self.assertEqual(heard(*every), every[:5])
        self.assertTrue(subscriber.unsubscribe('/one'))
        self.assertTrue(subscriber.unsubscribe(['/list/a', '/tree/']))
        self.assertEqual(heard(*every), ['/list/b'])
        self.assertTrue(subscriber.subscribe('/'))
        self.assertEqual(heard(*every), every)
        self.assertFalse(subscriber.subscribe(['/good', 'bad']))

    def test_relay_and_retain(self):
        subscriber, sender = self.open(self.port), self.open(self.port)
        self.assertTrue(subscriber.subscribe('/relay/'))
        self.assertTrue(sender.client.datagram('/relay/a', {'param': {'n': 1}, 'data': b'd'}))
        kind, url, payload, quick = subscriber.next()
        self.assertEqual((kind, url, payload.param, bytes(payload.data), quick),
                         ('publish', '/relay/a', {'n': 1}, b'd', False))
        for n in (1, 2, 3):
            sender.client.datagram('/kept/v', {'param': {'n': n}})
        self.assertTrue(sender.ping())
        self.assertTrue(subscriber.subscribe('/kept/'))
        _, url, payload, _ = subscriber.next()
        self.assertEqual((url, payload.param), ('/kept/v', {'n': 3}))

    def test_quick_both_ways(self):
        subscriber, sender = self.open(self.port), self.open(self.port)
        self.assertTrue(subscriber.subscribe('/relay/'))
        for size in (0, 1, 1000, 65000):
            payload = {'param': {'size': size}, 'data': bytes(size)}
            self.assertTrue(sender.client.datagram('/relay/q', payload, quick=True))
            kind, url, payload, quick = subscriber.next()
            self.assertEqual((kind, url, payload.param, quick), ('publish', '/relay/q', {'size': size}, True))
            self.assertEqual(len(payload.data or b''), size)

    def test_ping(self):
        peer = self.open(self.port)
        for _ in range(20):
            self.assertTrue(peer.ping())

    def test_lookup(self):
        os.environ['VSOA_POS_SERVER'] = f'127.0.0.1:{self.position}'
        peer = self.open('vsoa://MAIN')
        header, payload, _ = peer.fetch('/echo', param={'by': 'name'})
        self.assertEqual((header.status, payload.param), (0, {'by': 'name'}))
        header, payload, code = vsoa.fetch('vsoa://main/echo', payload={'param': {'one': 1}})
        self.assertEqual((code, header.status, payload.param), (0, 0, {'one': 1}))
        self.assertEqual(Peer('vsoa://nobody').code, vsoa.Client.SERVER_NOT_FOUND)


if __name__ == '__main__':
    unittest.main(verbosity=2)
