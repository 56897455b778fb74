CREATE TABLE "outbound_days" (
	"organization_id" text NOT NULL,
	"day" date NOT NULL,
	"texts" integer NOT NULL,
	CONSTRAINT "outbound_days_organization_id_day_pk" PRIMARY KEY("organization_id","day")
);
--> statement-breakpoint
ALTER TABLE "gate_decisions" ADD COLUMN "details" jsonb;--> statement-breakpoint
ALTER TABLE "outbox" ADD COLUMN "purpose" text;--> statement-breakpoint
ALTER TABLE "outbox" ADD COLUMN "scheduled_for" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "phone_numbers" ADD COLUMN "registration" text;--> statement-breakpoint
ALTER TABLE "outbound_days" ADD CONSTRAINT "outbound_days_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "outbox_started" ON "outbox" USING btree ("conversation_id","created_at") WHERE purpose is not null;