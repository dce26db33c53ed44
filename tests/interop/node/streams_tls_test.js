// streams_test.js over TLS.
'use strict';

const { startTrusting, trusted } = require('./certificates.js');

if (trusted()) require('./streams_test.js');
else startTrusting(__filename);
