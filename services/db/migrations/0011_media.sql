CREATE TABLE "media" (
	"id" uuid PRIMARY KEY NOT NULL,
	"organization_id" text NOT NULL,
	"conversation_id" uuid NOT NULL,
	"message_id" uuid NOT NULL,
	"position" integer NOT NULL,
	"account_sid" text NOT NULL,
	"source_url" text NOT NULL,
	"declared_type" text NOT NULL,
	"state" text DEFAULT 'pending' NOT NULL,
	"reason" text,
	"content_type" text,
	"bytes" integer,
	"digest" text,
	"attempts" integer DEFAULT 0 NOT NULL,
	"due_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"fence" bigint DEFAULT 0 NOT NULL,
	"lease_until" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "media_of_message" UNIQUE("message_id","position")
);
--> statement-breakpoint
CREATE TABLE "media_erasures" (
	"organization_id" text NOT NULL,
	"digest" text NOT NULL,
	"passes" integer DEFAULT 0 NOT NULL,
	"due_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"lease_until" timestamp (3) with time zone,
	CONSTRAINT "media_erasures_organization_id_digest_pk" PRIMARY KEY("organization_id","digest")
);
--> statement-breakpoint
ALTER TABLE "quarantine" ADD COLUMN "facts" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "quarantine" ADD COLUMN "state" text DEFAULT 'held' NOT NULL;--> statement-breakpoint
ALTER TABLE "quarantine" ADD COLUMN "organization_id" text;--> statement-breakpoint
ALTER TABLE "quarantine" ADD COLUMN "settled_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "media" ADD CONSTRAINT "media_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "media" ADD CONSTRAINT "media_conversation_id_conversations_id_fk" FOREIGN KEY ("conversation_id") REFERENCES "public"."conversations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "media_due" ON "media" USING btree ("due_at") WHERE state = 'pending';--> statement-breakpoint
CREATE INDEX "media_conversation" ON "media" USING btree ("conversation_id");--> statement-breakpoint
CREATE INDEX "media_content" ON "media" USING btree ("organization_id","digest") WHERE digest is not null;--> statement-breakpoint
CREATE INDEX "media_erasures_due" ON "media_erasures" USING btree ("due_at");--> statement-breakpoint
ALTER TABLE "quarantine" ADD CONSTRAINT "quarantine_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "quarantine_newest" ON "quarantine" USING btree ("state","created_at" DESC NULLS LAST,"id" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "quarantine_number" ON "quarantine" USING btree ("account_sid","to_address","id") WHERE state = 'held';--> statement-breakpoint
CREATE INDEX "quarantine_organization" ON "quarantine" USING btree ("organization_id") WHERE organization_id is not null;--> statement-breakpoint
-- Whoever deletes a row of media, a cascade or a hand in psql included, leaves behind what is to be erased from the store.
-- Bytes are shared by their digest within an organization: the eraser looks whether another row still needs them.
CREATE FUNCTION media_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO media_erasures (organization_id, digest) VALUES (OLD.organization_id, OLD.digest)
  ON CONFLICT (organization_id, digest) DO UPDATE SET passes = 0, due_at = clock_timestamp();
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER media_deleted AFTER DELETE ON media
  FOR EACH ROW WHEN (OLD.digest IS NOT NULL) EXECUTE FUNCTION media_deleted();
