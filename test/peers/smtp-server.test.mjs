/** The SMTP example against nodemailer's client, which this project has not written. */

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createTransport } from 'nodemailer'
import t from 'tap'
import { createSmtpServer } from '../../build/docs/examples/smtp-server.js'
import { cert, key } from '../../build/test/support/tls.js'

/** The server on a free port, gone when the test is over, the mails that it took, and a maker of clients. */
async function serve(t, options = {}) {
  const mails = []
  const deliver = async ({ content, ...envelope }) => {
    const pieces = []
    for await (const piece of content) pieces.push(piece)
    mails.push({ ...envelope, content: Buffer.concat(pieces).toString('latin1') })
  }
  const server = createSmtpServer({ deliver, ...options }).listen(0, '127.0.0.1')
  t.teardown(() => server.close({ drain: 0 }))
  await once(server, 'listening')
  const client = (more = {}) => {
    const transport = createTransport({ host: '127.0.0.1', port: server.address().port, tls: { ca: cert, servername: 'localhost' }, ...more })
    t.teardown(() => transport.close())
    return transport
  }
  return { mails, client, server }
}

const secure = { requireTLS: true, auth: { user: 'ann', pass: 'sesame' } }
const authenticate = (user, password) => user === 'ann' && password === 'sesame'
const envelope = { from: 'me@a.b', to: ['you@a.b', 'them@a.b'] }
const all = 'Subject: x\r\n\r\n.\r\n..\r\n.x\r\n\r\nlast\r\n'

t.test('nodemailer: sends mail in clear, as it is', async (t) => {
  const { mails, client } = await serve(t)
  const { accepted, response } = await client().sendMail({ envelope, raw: all })
  t.same([accepted, response], [envelope.to, '250 Accepted'])
  t.same(mails, [{ ...envelope, user: null, isSecure: false, content: all }])
  t.equal(await client().verify(), true)
})

t.test('nodemailer: sends mail over TLS, logged in, and none with a wrong password', async (t) => {
  const { mails, client } = await serve(t, { tls: { key, cert }, authenticate })
  await client(secure).sendMail({ envelope, raw: all })
  t.same(mails.splice(0), [{ ...envelope, user: 'ann', isSecure: true, content: all }])
  await t.rejects(client({ ...secure, auth: { user: 'ann', pass: 'no' } }).sendMail({ envelope, raw: all }), { code: 'EAUTH', responseCode: 535 })
  await t.rejects(client().sendMail({ envelope, raw: all }), { responseCode: 530 }, 'not logged in')
  await t.rejects(client({ ...secure, tls: { servername: 'localhost' } }).sendMail({ envelope, raw: all }), { code: 'ESOCKET' }, 'a certificate that it does not trust')
  t.same(mails, [])
})

t.test('nodemailer: asks for TLS where there is none, and sends nothing', async (t) => {
  const { mails, client } = await serve(t)
  await t.rejects(client({ requireTLS: true }).sendMail({ envelope, raw: all }), { code: 'ETLS' })
  t.same(mails, [])
})

t.test('nodemailer: sends a mail with an attachment', async (t) => {
  const { mails, client } = await serve(t, { tls: { key, cert }, authenticate })
  const content = readFileSync(process.execPath).subarray(0, 1_000_000)
  const text = '.\n..\nGrüße\n.'
  await client(secure).sendMail({ ...envelope, subject: 'x', text, attachments: [{ filename: 'node', content }] })
  const [mail] = mails
  const parts = mail.content.split(/^--.*\r\n/m)
  t.ok(Buffer.from(parts.at(-2).split('\r\n\r\n')[1], 'base64').equals(content), 'it arrives')
  t.match(parts.at(1), '\r\n\r\n.\r\n..\r\nGr=C3=BC=C3=9Fe\r\n.')
})

t.test('nodemailer: sends a hundred mails over few connections', async (t) => {
  const { mails, client, server } = await serve(t, { tls: { key, cert }, authenticate })
  let connections = 0
  server.on('channel', () => connections++)
  const pool = client({ ...secure, pool: true, maxConnections: 3 })
  const raws = Array.from({ length: 100 }, (_, index) => `Subject: ${index}\r\n\r\n${'.\r\n'.repeat(index)}`)
  await Promise.all(raws.map((raw) => pool.sendMail({ envelope, raw })))
  t.same(new Set(mails.map(({ content }) => content)), new Set(raws))
  t.equal(mails.length, raws.length)
  t.ok(connections <= 3, `${connections} connections`)
})

t.test('nodemailer: is told that a mail was not taken', async (t) => {
  const { client } = await serve(t, { deliver: () => Promise.reject(new Error('the disk is full')) })
  await t.rejects(client().sendMail({ envelope, raw: all.repeat(1_000) }), { responseCode: 451 })
})
