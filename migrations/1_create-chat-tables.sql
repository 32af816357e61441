-- The tables of the chat, for an empty database. An existing application has them already; then this file is
-- recorded in the history and not run. Times are UTC in "timestamp" columns, ids are int4, as the application's ORM has them.
CREATE TYPE "UserRole" AS ENUM ('ADMIN', 'CASHIER', 'AGENT');
CREATE TYPE "ClientStatus" AS ENUM ('ACTIVE', 'INACTIVE', 'BANNED');
CREATE TYPE "MessageSenderType" AS ENUM ('CLIENT', 'OPERATOR');
CREATE TYPE "MessageType" AS ENUM ('TEXT', 'IMAGE');

CREATE TABLE "User" (
  "id" SERIAL NOT NULL,
  "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updatedAt" TIMESTAMP(3) NOT NULL,
  "name" TEXT NOT NULL,
  "username" TEXT NOT NULL,
  "passwordHash" TEXT NOT NULL,
  "role" "UserRole" NOT NULL DEFAULT 'CASHIER',
  "isActive" BOOLEAN NOT NULL DEFAULT true,
  CONSTRAINT "User_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "User_username_key" ON "User" ("username");

CREATE TABLE "Client" (
  "id" SERIAL NOT NULL,
  "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updatedAt" TIMESTAMP(3) NOT NULL,
  "username" TEXT NOT NULL,
  "phone" TEXT,
  "status" "ClientStatus" NOT NULL DEFAULT 'ACTIVE',
  "pointsBalance" INTEGER NOT NULL DEFAULT 0,
  CONSTRAINT "Client_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "Client_username_key" ON "Client" ("username");
CREATE UNIQUE INDEX "Client_phone_key" ON "Client" ("phone");

CREATE TABLE "ChatMessage" (
  "id" SERIAL NOT NULL,
  "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "clientId" INTEGER NOT NULL,
  "clientSocketId" TEXT,
  "senderType" "MessageSenderType" NOT NULL,
  "operatorId" INTEGER,
  "messageType" "MessageType" NOT NULL,
  "text" TEXT,
  "imageUrl" TEXT,
  "imageName" TEXT,
  "mimeType" TEXT,
  "isRead" BOOLEAN NOT NULL DEFAULT false,
  "readAt" TIMESTAMP(3),
  "sessionId" TEXT,
  CONSTRAINT "ChatMessage_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "ChatMessage_clientId_fkey" FOREIGN KEY ("clientId") REFERENCES "Client" ("id") ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT "ChatMessage_operatorId_fkey" FOREIGN KEY ("operatorId") REFERENCES "User" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE INDEX "ChatMessage_clientId_createdAt_idx" ON "ChatMessage" ("clientId", "createdAt");
CREATE INDEX "ChatMessage_sessionId_createdAt_idx" ON "ChatMessage" ("sessionId", "createdAt");
CREATE INDEX "ChatMessage_operatorId_createdAt_idx" ON "ChatMessage" ("operatorId", "createdAt");
