// An Express server of the TypeScript SDK 2.x behind our middleware: `sdk2.mjs ISSUER [PORT]`.

import { toNodeHandler } from '@modelcontextprotocol/node';
import express from 'express';
import { serve } from '../support/serve.mjs';
import { handler } from './tools2.mjs';

await serve(express(), toNodeHandler(handler));
