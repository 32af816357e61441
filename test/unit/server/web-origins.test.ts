import { describe, expect, test } from 'vitest'
import { createWebOrigins, parseWebOrigin } from '../../../src/server/protection/web-origins.js'

describe('an origin as people write it', () => {
  test.for<readonly [written: string, origin: string]>([
    ['*', '*'],
    ['null', 'null'],
    ['https://shop.example', 'https://shop.example'],
    ['https://shop.example/', 'https://shop.example'],
    ['HTTPS://Shop.Example', 'https://shop.example'],
    ['https://shop.example:443', 'https://shop.example'],
    ['http://shop.example:80', 'http://shop.example'],
    ['https://shop.example:8443', 'https://shop.example:8443'],
    ['http://localhost', 'http://localhost'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
    ['https://b\u00fccher.example', 'https://xn--bcher-kva.example'],
    ['https://*.shop.example', 'https://*.shop.example'],
    ['https://*.B\u00fccher.example:443/', 'https://*.xn--bcher-kva.example'],
    ['http://*.localhost:3000', 'http://*.localhost:3000'],
    ['capacitor://localhost', 'capacitor://localhost'],
    ['ionic://localhost/', 'ionic://localhost'],
    ['Tauri://localhost', 'tauri://localhost'],
    ['chrome-extension://abcdefghijklmnopabcdefghijklmnop', 'chrome-extension://abcdefghijklmnopabcdefghijklmnop'],
    ['moz-extension://2c127fa4-62c7-7e4f-90e5-472b45eecfdc', 'moz-extension://2c127fa4-62c7-7e4f-90e5-472b45eecfdc'],
    ['file://', 'file://'],
  ])('is what browsers send: %s', ([written, origin]) => {
    expect(parseWebOrigin(written)).toEqual({ origin })
  })

  test.for<readonly [written: string, reason: RegExp]>([
    ['', /with its scheme/],
    ['shop.example', /with its scheme/],
    ['*.shop.example', /with its scheme/],
    ['https://', /is not the name of a host/],
    ['https://shop example', /is not the name of a host/],
    ['https://shop.example:port', /is not the name of a host/],
    ['https://shop.example/path', /the origin alone/],
    ['https://shop.example?x', /the origin alone/],
    ['https://user@shop.example', /the origin alone/],
    ['file:///index.html', /the origin alone/],
    ['capacitor://', /the origin alone/],
    ['wss://shop.example', /when it opens a WebSocket/],
    ['https://*', /A \* stands for all subdomains/],
    ['https://shop.*', /A \* stands for all subdomains/],
    ['https://shop*.example', /A \* stands for all subdomains/],
    ['https://*.*.example', /A \* stands for all subdomains/],
    ['http://localhost:*', /A \* stands for all subdomains/],
    ['chrome-extension://*', /A \* stands for all subdomains/],
    ['https://*.com', /open to strangers/],
    ['https://*.com.', /open to strangers/],
  ])('is refused with the reason: %s', ([written, reason]) => {
    expect(parseWebOrigin(written).reason).toMatch(reason)
  })
})

describe('a page', () => {
  test.for<readonly [allowed: string, sent: string, expected: boolean]>([
    ['*', 'https://anybody.example', true],
    ['null', 'null', true],
    ['https://shop.example', 'null', false],
    ['https://shop.example:443', 'https://shop.example', true],
    ['https://shop.example', 'http://shop.example', false],
    ['https://*.shop.example', 'https://eu.shop.example', true],
    ['https://*.shop.example', 'https://a.b.shop.example', true],
    ['https://*.shop.example', 'https://xn--bcher-kva.shop.example', true],
    ['https://*.shop.example', 'https://shop.example', false],
    ['https://*.shop.example', 'https://.shop.example', false],
    ['https://*.shop.example', 'https://evilshop.example', false],
    ['https://*.shop.example', 'https://eu.shopxexample', false],
    ['https://*.shop.example', 'https://eu.shop.example.evil', false],
    ['https://*.shop.example', 'https://evil/.shop.example', false],
    ['https://*.shop.example', 'http://eu.shop.example', false],
    ['https://*.shop.example', 'https://eu.shop.example:8443', false],
    ['https://*.shop.example:8443', 'https://eu.shop.example:8443', true],
    ['capacitor://localhost', 'capacitor://localhost', true],
    ['capacitor://localhost', 'ionic://localhost', false],
    ['file://', 'file://', true],
  ])('of an allowed origin, and no other, may connect: %s, %s', ([allowed, sent, expected]) => {
    expect(createWebOrigins(['https://other.example', allowed])(sent)).toBe(expected)
  })
})
