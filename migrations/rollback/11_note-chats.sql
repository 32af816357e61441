DROP TRIGGER IF EXISTS "chatkeep_note_inserted" ON "ChatMessage";
DROP TRIGGER IF EXISTS "chatkeep_note_updated" ON "ChatMessage";
DROP TRIGGER IF EXISTS "chatkeep_note_deleted" ON "ChatMessage";
DROP TRIGGER IF EXISTS "chatkeep_note_truncated" ON "ChatMessage";
DROP FUNCTION IF EXISTS "chatkeep_note_inserted"(), "chatkeep_note_updated"(), "chatkeep_note_deleted"(), "chatkeep_note_truncated"();
DROP FUNCTION IF EXISTS "chatkeep_note_in_snapshot"(TEXT[], TIMESTAMP[]), "chatkeep_note"(TEXT[], TIMESTAMP[]);
DROP FUNCTION IF EXISTS "chatkeep_unnote"(TEXT, TIMESTAMP);
DROP FUNCTION IF EXISTS "chatkeep_last"(TEXT);
DROP FUNCTION IF EXISTS "chatkeep_chat"(BIGINT, TEXT);
