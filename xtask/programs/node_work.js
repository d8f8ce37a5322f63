// Worker threads that parse, sort, slice and pass buffers on. The output does not depend on timing.
'use strict';
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const crypto = require('crypto');
const zlib = require('zlib');

function work(seed) {
    const table = new Map();
    const parts = [];
    for (let i = 0; i < 20000; i++) {
        seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
        table.set('k' + (seed % 5000), { i, text: seed.toString(16).repeat(1 + (seed % 5)) });
        if (i % 50 === 0)
            parts.push(Buffer.alloc(1 + (seed % 20000), i & 255));
    }
    const text = JSON.stringify([...table].sort());
    const packed = zlib.gzipSync(Buffer.concat([Buffer.from(text), ...parts]));
    const back = zlib.gunzipSync(packed);
    return crypto.createHash('sha256').update(back).digest('hex').slice(0, 16);
}

if (isMainThread) {
    const jobs = Array.from({ length: 6 }, (_, seed) => new Promise((resolve, reject) => {
        const worker = new Worker(__filename, { workerData: seed });
        worker.once('message', resolve).once('error', reject);
    }));
    Promise.all(jobs).then(results => {
        console.log('workers', results.join(' '));
        console.log('alone', work(1));
    });
} else {
    parentPort.postMessage(work(workerData));
}
