// telegram-test-api, with what it lacks: node server.cjs PORT, in the folder where it is installed.
//
// It keeps what is said, by people and by the bot. Its answers are put here into the shape that is
// documented for the Bot API (is_bot, dates in seconds, chats as they are, true for what is done);
// updates wait to be taken by offset, files arrive, and a test may have the next requests refused.
// It reads no HTML, knows no rights and no limits: what it takes Telegram might not.
'use strict';

const { createRequire } = require('module');
const from = createRequire(`${process.cwd()}/`);
const express = from('express');
const TelegramServer = from('telegram-test-api');

const host = '127.0.0.1';
const server = new TelegramServer({ host, port: Number(process.argv[2]), storeTimeout: 3600 });
const refusals = [];
const shown = [];
const front = express();
front.use(express.json({ limit: '1mb' }));
front.use(express.urlencoded({ extended: true }));

const bot = { id: 666, is_bot: true, first_name: 'Kanban', username: 'TestNameBot' };
const chat = (id) => ({ id: Number(id), type: Number(id) < 0 ? 'group' : 'private', title: 'ops' });
const message = (id, chatId, more) => ({
  message_id: id, date: Math.floor(Date.now() / 1000), chat: chat(chatId), from: bot, ...more,
});
const method = (name, perform) => front.all(`/bot:token/${name}`, async (req, res) => {
  const refusal = refusals.findIndex((one) => one.method === name);
  if (refusal >= 0) {
    const [{ code, description, parameters }] = refusals.splice(refusal, 1);
    res.status(code).json({ ok: false, error_code: code, description, parameters });
    return;
  }
  res.json({ ok: true, result: await perform(req.body, req.params.token, req) });
});

method('getMe', () => bot);
method('sendMessage', (body, token) => {
  const sent = server.addBotMessage(body, token);
  return message(sent.message_id, body.chat_id, { text: body.text });
});
method('editMessageText', (body) => {
  server.editMessageText({ reply_markup: null, edited: true, ...body });
  return true;
});
method('answerCallbackQuery', (body) => {
  shown.push({ id: body.callback_query_id, text: body.text, alert: body.show_alert === 'true' });
  return true;
});
method('sendDocument', async (_body, token, req) => {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  const told = Buffer.concat(chunks).toString('latin1');
  const field = (name) => new RegExp(`name="${name}"\\r\\n(?:.*\\r\\n)*?\\r\\n(.*)\\r\\n`).exec(told)?.[1];
  const body = { chat_id: field('chat_id'), reply_parameters: field('reply_parameters') };
  body.text = `file ${/filename="([^"]*)"/.exec(told)?.[1]}`;
  const sent = server.addBotMessage(body, token);
  const document = { file_id: 'f', file_unique_id: 'f' };
  return message(sent.message_id, body.chat_id, { document });
});
// The package forgets an update when it has answered with it; Telegram when it is confirmed.
method('getUpdates', async ({ offset, timeout }, token) => {
  const owed = () => server.storage.userMessages.filter((one) => one.botToken === token);
  if (offset) owed().filter((one) => one.updateId < Number(offset)).forEach((one) => server.removeUserMessage(one.updateId));
  const until = Date.now() + Number(timeout || 0) * 1000;
  while (!owed().length && Date.now() < until) await new Promise((done) => setTimeout(done, 10));
  const taken = owed().slice(0, 100).map((one) => TelegramServer.formatUpdate(one));
  taken.forEach((one) => { if (one.callback_query) one.callback_query.chat_instance = '1'; });
  return taken;
});

front.post('/control/refuse', (req, res) => {
  refusals.push(req.body);
  res.json({});
});
front.post('/control/say', async (req, res) => {
  const id = server.messageId;
  await server.addUserMessage(req.body);
  res.json({ id });
});
front.post('/control/shown', (_req, res) => res.json(shown));
front.use(server.webServer);
server.webServer = front;
server.start();
process.stdin.resume().on('end', () => process.exit());
