CREATE TABLE "archived_messages" (
	"conversation_id" uuid NOT NULL,
	"first_seq" integer NOT NULL,
	"last_seq" integer NOT NULL,
	"organization_id" text NOT NULL,
	"message_count" integer NOT NULL,
	"first_at" timestamp (3) with time zone NOT NULL,
	"last_at" timestamp (3) with time zone NOT NULL,
	"digest" "bytea" NOT NULL,
	"content" "bytea" NOT NULL,
	"carrier_keys" uuid[] NOT NULL,
	"archived_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "archived_messages_conversation_id_first_seq_pk" PRIMARY KEY("conversation_id","first_seq")
);
--> statement-breakpoint
ALTER TABLE "conversations" ADD COLUMN "archived_seq" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "archived_messages" ADD CONSTRAINT "archived_messages_conversation_id_conversations_id_fk" FOREIGN KEY ("conversation_id") REFERENCES "public"."conversations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "archived_messages" ADD CONSTRAINT "archived_messages_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "archived_messages_organization" ON "archived_messages" USING btree ("organization_id");--> statement-breakpoint
CREATE INDEX "archived_messages_carrier_keys" ON "archived_messages" USING gin ("carrier_keys") WITH (fastupdate=off);--> statement-breakpoint
CREATE INDEX "conversations_hot" ON "conversations" USING btree ("last_message_at","id") WHERE archived_seq < last_seq;