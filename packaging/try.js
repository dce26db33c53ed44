// The round trip that try.sh shows, with the official client as anyone would use it. The position
// server is named by VSOA_POS_SERVER.
'use strict';

const vsoa = require('vsoa');

const client = new vsoa.Client();
const fail = (what, error) => {
  console.error(`${what}: ${error.message}${error.status ? ` ${error.status}` : ''}`);
  process.exit(1);
};
setTimeout(() => fail('round trip', new Error('not done after 10 s')), 10000).unref();
client.on('error', (error) => fail('client', error));
client.on('message', (url, payload) => {
  console.log(`publish   ${url} -> ${JSON.stringify(payload.param)}`);
  client.close();
  console.log('all of it works');
});

vsoa.lookup('vsoad', (error, where) => {
  if (error) fail('lookup', error);
  console.log(`position  vsoad -> ${where.addr}:${where.port}`);
  client.connect('vsoa://vsoad', (refused, info) => {
    if (refused) fail('connect', refused);
    console.log(`connect   ${JSON.stringify(info)}`);
    client.call('/echo', {}, { param: { hello: 'world' } }, (trouble, payload) => {
      if (trouble) fail('call /echo', trouble);
      console.log(`RPC       /echo -> ${JSON.stringify(payload.param)}`);
      client.subscribe('/demo/', (denied) => {
        if (denied) fail('subscribe /demo/', denied);
        client.datagram('/demo/speed', { param: { kmh: 42 } });
      });
    });
  });
});
