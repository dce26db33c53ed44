// The official Node.js client for the system test; runs in the network of the box, outside of its files.
//   client.js call PORT URL      prints the param of the answer as JSON; exit 1 and the reason if there is none
//   client.js lookup NAME        prints the port that the position server on 127.0.0.1:3000 tells
//   client.js load PORT          prints "begun PID", connects, calls and closes until SIGTERM; then prints
//                                {"connects":...,"refused":...,"answered":...}
'use strict';

const net = require('node:net');
const vsoa = require('vsoa');

const patience = 20000;

const fail = (error) => {
  console.error(error.message + (error.status === undefined ? '' : `, status ${error.status}`));
  process.exit(1);
};

const address = (port) => ({ domain: vsoa.AF_INET, addr: '127.0.0.1', port: Number(port) });

function call(port, url) {
  setTimeout(() => fail(new Error(`no answer in ${patience} ms`)), patience).unref();
  const client = new vsoa.Client();
  client.on('error', fail);
  client.connect(address(port), (refused) => {
    if (refused) fail(refused);
    client.call(url, {}, {}, (error, payload) => {
      if (error) fail(error);
      console.log(JSON.stringify(payload?.param ?? null));
      process.exit(0);
    }, patience);
  }, undefined, patience);
}

function lookup(name) {
  process.env.VSOA_POS_SERVER = '127.0.0.1:3000';
  vsoa.lookup(name, (error, where) => {
    if (error) fail(error);
    console.log(where.port);
    process.exit(0);
  });
}

// A connection a time and worker. Whoever is let in when vsoad is told to end may be cut off: that is
// counted as neither. Nobody may be refused.
function load(port) {
  const count = { connects: 0, refused: 0, answered: 0 };
  let ending = false;

  const knock = () => {
    if (ending) return;
    const socket = net.connect(Number(port), '127.0.0.1');
    socket.on('connect', () => { ++count.connects; socket.destroy(); });
    socket.on('error', () => { ++count.refused; });
    socket.on('close', () => setTimeout(knock, 1));
  };

  const talk = () => {
    if (ending) return;
    const client = new vsoa.Client();
    let over = false;
    const end = () => {
      if (over) return;
      over = true;
      client.close();
      setImmediate(talk);
    };
    client.on('error', end);
    client.on('lost', end);
    client.connect(address(port), (refused) => {
      if (refused) return end();
      client.call('/echo', {}, { param: 1 }, (error) => {
        if (!error) ++count.answered;
        end();
      });
    }, undefined, patience);
  };

  const end = () => {
    ending = true;
    console.log(JSON.stringify(count));
    process.exit(0);
  };
  process.on('SIGTERM', end);
  // Whoever started it may be gone.
  setTimeout(end, 120000);
  console.log(`begun ${process.pid}`);
  for (let i = 0; i < 4; ++i) knock();
  for (let i = 0; i < 4; ++i) talk();
}

const [what, ...rest] = process.argv.slice(2);
({ call, lookup, load })[what](...rest);
