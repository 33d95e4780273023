// The namespace /dashboard.

import type { Refusal } from '../../api/refusal';
import type { Sample } from './samples';

/** In milliseconds. */
export interface Latency {
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

/** What there is to draw of a moment. Rates and latencies are of `seconds` before; 0, and they with it, where nobody watched. */
export interface Point {
  at: string;
  seconds: number;
  connections: { websocket: number; polling: number };
  sockets: number;
  rooms: number;
  messagesIn: number;
  messagesOut: number;
  bytesIn: number;
  bytesOut: number;
  calls: number;
  errors: number;
  latency: Latency;
  heap: number;
  rss: number;
  goroutines: number;
  gcPause: number;
}

export interface EventFigure {
  namespace: string;
  event: string;
  calls: number;
  errors: number;
  latency: Latency;
}

export interface Update extends Point {
  node: string;
  version: string;
  database: string;
  /** Seconds. */
  uptime: number;
  namespaces: { name: string; sockets: number; rooms: number }[];
  slowest: EventFigure[];
}

export interface History {
  node: string;
  interval: number;
  points: Point[];
}

export interface FromServer {
  dashboardUpdate: (update: Update) => void;
}

export interface ToServer {
  history: (answer: (history: History | Refusal) => void) => void;
}

/** A point as charts want it: what was not measured is not 0. */
export function sampleOf(point: Point): Sample {
  const rate = (value: number) => (point.seconds > 0 ? value : null);
  const took = (value: number) => (point.seconds > 0 && point.calls > 0 ? value : null);
  return {
    at: Date.parse(point.at),
    websocket: point.connections.websocket,
    polling: point.connections.polling,
    messagesIn: rate(point.messagesIn),
    messagesOut: rate(point.messagesOut),
    bytesIn: rate(point.bytesIn),
    bytesOut: rate(point.bytesOut),
    p50: took(point.latency.p50),
    p95: took(point.latency.p95),
    p99: took(point.latency.p99),
    heap: point.heap,
    rss: point.rss > 0 ? point.rss : null,
    goroutines: point.goroutines,
  };
}
