CREATE TABLE "imported_chats" (
	"organization_id" text NOT NULL,
	"chat_id" text NOT NULL,
	"user_name" text NOT NULL,
	"messages" jsonb NOT NULL,
	"message_count" integer NOT NULL,
	"content_hash" text NOT NULL,
	"last_message_at" timestamp (3) with time zone,
	"imported_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "imported_chats_organization_id_chat_id_pk" PRIMARY KEY("organization_id","chat_id")
);
--> statement-breakpoint
CREATE TABLE "imported_entries" (
	"organization_id" text NOT NULL,
	"kind" text NOT NULL,
	"source_key" text NOT NULL,
	"content_hash" text NOT NULL,
	"base_rev" uuid,
	"imported_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "imported_entries_organization_id_source_key_kind_pk" PRIMARY KEY("organization_id","source_key","kind")
);
--> statement-breakpoint
CREATE TABLE "provider_keys" (
	"organization_id" text NOT NULL,
	"key_hash" text NOT NULL,
	"key_sealed" text NOT NULL,
	"queries" bigint DEFAULT 0 NOT NULL,
	"tokens" bigint DEFAULT 0 NOT NULL,
	"balance" double precision,
	"created_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "provider_keys_organization_id_key_hash_pk" PRIMARY KEY("organization_id","key_hash")
);
--> statement-breakpoint
ALTER TABLE "imported_chats" ADD CONSTRAINT "imported_chats_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "imported_entries" ADD CONSTRAINT "imported_entries_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "provider_keys" ADD CONSTRAINT "provider_keys_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "imported_chats_expiry" ON "imported_chats" USING btree ("expires_at");