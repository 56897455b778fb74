CREATE TABLE "opt_outs" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"organization_id" text NOT NULL,
	"phone_hash" text NOT NULL,
	"scope" text DEFAULT 'organization' NOT NULL,
	"since" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"method" text NOT NULL,
	"words" text NOT NULL,
	"lifted_at" timestamp (3) with time zone
);
--> statement-breakpoint
ALTER TABLE "consent_events" ADD COLUMN "basis" text;--> statement-breakpoint
ALTER TABLE "consent_events" ADD COLUMN "disclosure" text;--> statement-breakpoint
ALTER TABLE "consent_events" ADD COLUMN "evidence" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "masked" jsonb;--> statement-breakpoint
ALTER TABLE "outbox" ADD COLUMN "passes_opt_out" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "phone_numbers" ADD COLUMN "keyword_answers" text DEFAULT 'carrier' NOT NULL;--> statement-breakpoint
ALTER TABLE "opt_outs" ADD CONSTRAINT "opt_outs_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "opt_outs_in_force" ON "opt_outs" USING btree ("organization_id","phone_hash") WHERE lifted_at is null;--> statement-breakpoint
CREATE INDEX "opt_outs_person" ON "opt_outs" USING btree ("organization_id","phone_hash","id");--> statement-breakpoint
-- Opt-outs in force before people had a ledger of their own: the last word of each phone, with the words it was given in.
INSERT INTO opt_outs (organization_id, phone_hash, since, method, words)
  SELECT organization_id, phone_hash, created_at, method, words FROM (
    SELECT DISTINCT ON (organization_id, phone_hash) * FROM consent_events
    WHERE kind IN ('opt_out', 'opt_in') ORDER BY organization_id, phone_hash, id DESC
  ) last_word WHERE kind = 'opt_out';
