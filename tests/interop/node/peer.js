// The official client with promises instead of callbacks. Behaviour is untouched.
'use strict';

const path = require('node:path');
const { needed, patience } = require('./daemon.js');

const vsoa = require(path.join(needed('VSOA_NPM_DIRECTORY'), 'node_modules', 'vsoa'));

const within = (promise, what) => {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing in time`)), patience);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

class Peer {
  constructor(options) {
    this.client = new vsoa.Client(options);
    // Its send timeout of 100 ms is for real networks, not for a machine that runs other tests.
    this.client.sendTimeout(patience);
    this.arrived = [];
    this.waiting = [];
    this.errors = [];
    this.client.on('error', (error) => this.errors.push(error));
    for (const kind of ['message', 'datagram']) {
      this.client.on(kind, (url, payload, quick) => this.take({ kind, url, payload, quick: !!quick }));
    }
  }

  take(item) {
    const waiter = this.waiting.shift();
    if (waiter) waiter(item);
    else this.arrived.push(item);
  }

  // The next publish or datagram.
  next() {
    if (this.arrived.length > 0) return Promise.resolve(this.arrived.shift());
    return within(new Promise((resolve) => this.waiting.push(resolve)), 'publish or datagram');
  }

  // What came since, when a round trip that began now has ended.
  async since() {
    await this.ping();
    return this.arrived.splice(0);
  }

  // `to` is a port on 127.0.0.1 or a URL; `tls` are the client's TLS options. Resolves to the
  // server's info.
  connect(to, tls = undefined) {
    const where = typeof to === 'number' ? { domain: vsoa.AF_INET, addr: '127.0.0.1', port: to } : to;
    return within(new Promise((resolve, reject) => {
      this.client.connect(where, (error, info) => (error ? reject(error) : resolve(info)), tls,
        patience);
    }), 'connect');
  }

  // Resolves to { error, payload, tunid } of the reply.
  call(url, payload, options = {}) {
    return within(new Promise((resolve) => {
      this.client.call(url, options, payload,
        (error, reply, tunid) => resolve({ error, payload: reply, tunid }));
    }), `call ${url}`);
  }

  // Resolves to the connected stream of this tunnel id.
  stream(tunid) {
    return within(new Promise((resolve, reject) => {
      const stream = this.client.createStream(tunid);
      stream.on('connect', () => resolve(stream));
      stream.on('timeout', () => reject(new Error('no stream')));
      stream.on('error', reject);
    }), 'stream');
  }

  subscribe(url) {
    return within(new Promise((resolve, reject) => {
      this.client.subscribe(url, (error) => (error ? reject(error) : resolve()));
    }), 'subscribe');
  }

  unsubscribe(url) {
    return within(new Promise((resolve, reject) => {
      this.client.unsubscribe(url, (error) => (error ? reject(error) : resolve()));
    }), 'unsubscribe');
  }

  ping() {
    return within(new Promise((resolve, reject) => {
      this.client.ping((error) => (error ? reject(error) : resolve()));
    }), 'ping');
  }

  datagram(url, payload, quick = false) {
    this.client.datagram(url, payload, quick);
  }

  close() {
    this.client.close();
  }

  static async open(to, options) {
    const peer = new Peer(options);
    try {
      await peer.connect(to);
    } catch (error) {
      // A client that was refused keeps its sockets and timers until it is told to close.
      peer.close();
      throw error;
    }
    return peer;
  }
}

module.exports = { Peer, vsoa, within };
