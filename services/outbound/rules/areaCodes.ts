/**
 * Area codes of the United States and Canada. A code without `zones` has those of its region; `zones` narrows them where
 * the code lies in one, and two zones stay where its border runs through it. Written from general knowledge of the
 * numbering plan (https://www.nanpa.com lists the codes in service): `confidence` is `likely` for overlays of the last
 * years. A code that is missing here says nothing, and the organization's own zone counts.
 */
export interface AreaCodes {
  readonly regions: readonly string[];
  /** Three digits each, separated by blanks. */
  readonly codes: string;
  /** IANA names; absent: those of the regions. */
  readonly zones?: readonly string[];
  readonly confidence: 'sure' | 'likely';
}

export const AREA_CODES_REVIEWED_ON = '2026-11-21';

const EASTERN = 'America/New_York';
const CENTRAL = 'America/Chicago';
const MOUNTAIN = 'America/Denver';
const PACIFIC = 'America/Los_Angeles';
const TORONTO = 'America/Toronto';

const sure = (region: string, codes: string, ...zones: string[]): AreaCodes => ({
  regions: region.split(' '),
  codes,
  ...(zones.length > 0 ? { zones } : {}),
  confidence: 'sure',
});
const likely = (region: string, codes: string, ...zones: string[]): AreaCodes => ({
  ...sure(region, codes, ...zones),
  confidence: 'likely',
});

export const AREA_CODES: readonly AreaCodes[] = [
  sure('US-AL', '205 251 256 334 659 938'),
  sure('US-AK', '907'),
  sure('US-AZ', '480 520 602 623', 'America/Phoenix'),
  sure('US-AZ', '928'),
  sure('US-AR', '479 501 870'),
  likely('US-AR', '327'),
  sure(
    'US-CA',
    '209 213 279 310 323 341 408 415 424 442 510 530 559 562 619 626 628 650 657 661 669 707 714',
  ),
  sure('US-CA', '747 760 805 818 820 831 840 858 909 916 925 949 951'),
  likely('US-CA', '350 357 369 738 837'),
  sure('US-CO', '303 719 720 970'),
  likely('US-CO', '748 983'),
  sure('US-CT', '203 475 860 959'),
  sure('US-DE', '302'),
  sure('US-DC', '202 771'),
  sure('US-FL', '239 305 321 352 386 407 561 689 727 754 772 786 813 863 904 941 954', EASTERN),
  likely('US-FL', '324 645 656 728', EASTERN),
  sure('US-FL', '448 850'),
  sure('US-GA', '229 404 470 478 678 706 762 770 912'),
  likely('US-GA', '943'),
  sure('US-HI', '808'),
  sure('US-ID', '208 986'),
  sure('US-IL', '217 224 309 312 331 447 464 618 630 708 730 773 779 815 847 872'),
  likely('US-IL', '861'),
  sure('US-IN', '260 317 463 765', EASTERN),
  sure('US-IN', '219 574 812 930'),
  sure('US-IA', '319 515 563 641 712'),
  sure('US-KS', '316 913', CENTRAL),
  sure('US-KS', '620 785'),
  sure('US-KY', '502 859', EASTERN),
  sure('US-KY', '270 364 606'),
  sure('US-LA', '225 318 337 504 985'),
  sure('US-ME', '207'),
  sure('US-MD', '240 301 410 443 667'),
  likely('US-MD', '227'),
  sure('US-MA', '339 351 413 508 617 774 781 857 978'),
  sure('US-MI', '231 248 269 313 517 586 616 734 810 947 989', EASTERN),
  likely('US-MI', '679', EASTERN),
  sure('US-MI', '906'),
  sure('US-MN', '218 320 507 612 651 763 952'),
  likely('US-MN', '924'),
  sure('US-MS', '228 601 662 769'),
  likely('US-MS', '471'),
  sure('US-MO', '314 417 573 636 660 816'),
  likely('US-MO', '235 557 975'),
  sure('US-MT', '406'),
  sure('US-NE', '402 531', CENTRAL),
  sure('US-NE', '308'),
  sure('US-NV', '702 725', PACIFIC),
  sure('US-NV', '775'),
  sure('US-NH', '603'),
  sure('US-NJ', '201 551 609 640 732 848 856 862 908 973'),
  sure('US-NM', '505 575'),
  sure('US-NY', '212 315 332 347 516 518 585 607 631 646 680 716 718 838 845 914 917 929 934'),
  likely('US-NY', '329 363 624'),
  sure('US-NC', '252 336 704 743 828 910 919 980 984'),
  likely('US-NC', '472'),
  sure('US-ND', '701'),
  sure('US-OH', '216 220 234 326 330 380 419 440 513 567 614 740 937'),
  likely('US-OH', '283 436'),
  sure('US-OK', '405 539 572 580 918'),
  sure('US-OR', '503 971', PACIFIC),
  sure('US-OR', '458 541'),
  sure('US-PA', '215 223 267 272 412 445 484 570 582 610 717 724 814 878'),
  likely('US-PA', '835'),
  sure('US-RI', '401'),
  sure('US-SC', '803 839 843 854 864'),
  likely('US-SC', '821'),
  sure('US-SD', '605'),
  sure('US-TN', '615 629 731 901 931', CENTRAL),
  sure('US-TN', '865', EASTERN),
  sure('US-TN', '423'),
  sure(
    'US-TX',
    '210 214 254 281 325 346 361 409 430 469 512 682 713 726 737 806 817 830 832 903 936',
    CENTRAL,
  ),
  sure('US-TX', '940 945 956 972 979', CENTRAL),
  likely('US-TX', '621', CENTRAL),
  sure('US-TX', '432'),
  sure('US-TX', '915', MOUNTAIN),
  sure('US-UT', '385 435 801'),
  sure('US-VT', '802'),
  sure('US-VA', '276 434 540 571 703 757 804 826 948'),
  likely('US-VA', '686'),
  sure('US-WA', '206 253 360 425 509 564'),
  sure('US-WV', '304 681'),
  sure('US-WI', '262 414 534 608 715 920'),
  likely('US-WI', '274 353'),
  sure('US-WY', '307'),
  sure('US-PR', '787 939'),
  sure('US-VI', '340'),
  sure('US-GU', '671'),
  sure('US-MP', '670'),
  sure('US-AS', '684'),
  sure('CA-AB', '403 587 780 825'),
  likely('CA-AB', '368'),
  sure('CA-BC', '604', 'America/Vancouver'),
  sure('CA-BC', '236 250 672 778'),
  likely('CA-BC', '257'),
  sure('CA-MB', '204 431'),
  likely('CA-MB', '584'),
  sure('CA-NB', '506'),
  likely('CA-NB', '428'),
  sure('CA-NL', '709'),
  likely('CA-NL', '879'),
  sure('CA-NS CA-PE', '782 902'),
  sure('CA-ON', '226 249 289 343 365 416 437 519 548 613 647 705 905', TORONTO),
  likely('CA-ON', '382 683 742 753 942', TORONTO),
  sure('CA-ON', '807'),
  sure('CA-QC', '438 450 514 579 819 873', TORONTO),
  likely('CA-QC', '263 354 468', TORONTO),
  sure('CA-QC', '367 418 581'),
  sure('CA-SK', '306 639'),
  likely('CA-SK', '474'),
  sure('CA-YT CA-NT CA-NU', '867'),
];

/** The caller pays nothing and may be anywhere. */
export const TOLL_FREE_CODES: ReadonlySet<string> = new Set('800 822 833 844 855 866 877 888'.split(' '));
