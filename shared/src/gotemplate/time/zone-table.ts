/**
 * The abbreviations of every zone of the IANA time zone database (2026): per line the offsets from UTC in seconds that were in
 * force since 1970 with the latest abbreviation each had (`*`: daylight saving time; `#`: the zone has no letters, its abbreviation
 * is the offset), then the names of the zones. Taken from the database that Go 1.26 ships; the moments of change come from `Intl`.
 */
export const zoneTable = `
-10800=#|America/Cayenne,Etc/GMT+3
-10800=# -7200=# -3600=#*|America/Godthab,America/Nuuk
-10800=# -7200=#*|America/Araguaina,America/Argentina/Buenos_Aires,America/Bahia,America/Belem,America/Buenos_Aires,America/Fortaleza,America/Maceio,America/Recife,America/Sao_Paulo,Brazil/East
-10800=# -7200=#* 0=GMT|America/Danmarkshavn
-10800=# -9000=#* -7200=#* -5400=#*|America/Montevideo
-10800=# 0=#|Antarctica/Rothera
-12600=# -10800=#|America/Paramaribo
-12600=NST -9000=NDT* -5400=NDDT*|America/St_Johns,Canada/Newfoundland
-14400=#|America/La_Paz,Etc/GMT+4
-14400=# -10800=#|America/Asuncion,America/Coyhaique,America/Punta_Arenas,America/Santarem
-14400=# -10800=# -7200=#*|America/Argentina/Catamarca,America/Argentina/ComodRivadavia,America/Argentina/Cordoba,America/Argentina/Jujuy,America/Argentina/La_Rioja,America/Argentina/Mendoza,America/Argentina/Rio_Gallegos,America/Argentina/Salta,America/Argentina/San_Juan,America/Argentina/San_Luis,America/Argentina/Tucuman,America/Argentina/Ushuaia,America/Catamarca,America/Cordoba,America/Jujuy,America/Mendoza,America/Rosario,Antarctica/Palmer,Atlantic/Stanley
-14400=# -10800=#*|America/Boa_Vista,America/Campo_Grande,America/Cuiaba,America/Manaus,America/Porto_Velho,America/Santiago,Brazil/West,Chile/Continental
-14400=# -13500=# -10800=#|America/Guyana
-14400=AST|America/Anguilla,America/Antigua,America/Aruba,America/Blanc-Sablon,America/Curacao,America/Dominica,America/Grenada,America/Guadeloupe,America/Kralendijk,America/Lower_Princes,America/Marigot,America/Montserrat,America/Port_of_Spain,America/Puerto_Rico,America/St_Barthelemy,America/St_Kitts,America/St_Lucia,America/St_Thomas,America/St_Vincent,America/Tortola,America/Virgin
-14400=AST -10800=# -7200=#*|America/Miquelon
-14400=AST -10800=ADT*|America/Barbados,America/Glace_Bay,America/Halifax,America/Martinique,America/Moncton,America/Thule,Atlantic/Bermuda,Canada/Atlantic
-14400=AST -10800=ADT* -7200=ADDT*|America/Goose_Bay
-16200=# -14400=#|America/Caracas
-18000=#|Etc/GMT+5
-18000=# -14400=#|America/Eirunepe,America/Porto_Acre,America/Rio_Branco,Brazil/Acre
-18000=# -14400=#*|America/Bogota,America/Guayaquil,America/Lima
-18000=CST -14400=CDT*|America/Havana,Cuba
-18000=EST|America/Atikokan,America/Cayman,America/Coral_Harbour,America/Panama,EST
-18000=EST -14400=EDT*|America/Detroit,America/Fort_Wayne,America/Grand_Turk,America/Indiana/Indianapolis,America/Indiana/Marengo,America/Indiana/Vevay,America/Indianapolis,America/Jamaica,America/Kentucky/Louisville,America/Louisville,America/Montreal,America/Nassau,America/New_York,America/Nipigon,America/Port-au-Prince,America/Thunder_Bay,America/Toronto,Canada/Eastern,EST5EDT,Jamaica,US/East-Indiana,US/Eastern,US/Michigan
-18000=EST -16200=#* -14400=AST|America/Santo_Domingo
-21600=#|Etc/GMT+6
-21600=# -18000=#*|Pacific/Galapagos
-21600=CST|America/Regina,Canada/Saskatchewan
-21600=CST -18000=CDT*|America/Belize,America/Chicago,America/Costa_Rica,America/El_Salvador,America/Guatemala,America/Indiana/Knox,America/Knox_IN,America/Managua,America/Matamoros,America/Menominee,America/Merida,America/Mexico_City,America/Monterrey,America/Rainy_River,America/Rankin_Inlet,America/Resolute,America/Tegucigalpa,America/Winnipeg,CST6CDT,Canada/Central,Mexico/General,US/Central,US/Indiana-Starke
-21600=CST -18000=CDT* -14400=EDT*|America/Indiana/Tell_City
-21600=CST -18000=EST -14400=EDT*|America/Cancun,America/Indiana/Petersburg,America/Indiana/Vincennes,America/Indiana/Winamac,America/Iqaluit,America/Kentucky/Monticello,America/Pangnirtung
-25200=#|Etc/GMT+7
-25200=# -21600=# -18000=#*|Chile/EasterIsland,Pacific/Easter
-25200=MST|America/Creston,America/Phoenix,MST,US/Arizona
-25200=MST -21600=CST|America/Swift_Current
-25200=MST -21600=CST -18000=CDT*|America/Bahia_Banderas,America/Chihuahua,America/North_Dakota/Beulah,America/North_Dakota/Center,America/North_Dakota/New_Salem,America/Ojinaga
-25200=MST -21600=MDT*|America/Boise,America/Denver,America/Edmonton,America/Hermosillo,America/Mazatlan,America/Shiprock,America/Yellowknife,Canada/Mountain,MST7MDT,Mexico/BajaSur,Navajo,US/Mountain
-25200=MST -21600=MDT* -18000=CDT*|America/Ciudad_Juarez
-25200=MST -21600=MDT* -18000=EST|America/Cambridge_Bay
-2670=MMT 0=GMT|Africa/Monrovia
-28800=#|Etc/GMT+8
-28800=PST -25200=MST|America/Dawson_Creek,America/Fort_Nelson,America/Whitehorse,Canada/Yukon
-28800=PST -25200=MST -21600=MDT*|America/Inuvik
-28800=PST -25200=PDT*|America/Ensenada,America/Los_Angeles,America/Santa_Isabel,America/Tijuana,America/Vancouver,Canada/Pacific,Mexico/BajaNorte,PST8PDT,US/Pacific
-30600=# -28800=#|Pacific/Pitcairn
-32400=#|Etc/GMT+9,Pacific/Gambier
-32400=AKST -28800=AKDT*|America/Yakutat
-32400=AKST -28800=AKDT* -25200=PDT*|America/Juneau,America/Metlakatla,America/Sitka
-32400=YST -28800=PST -25200=MST|America/Dawson
-34200=#|Pacific/Marquesas
-36000=#|Etc/GMT+10,Pacific/Tahiti
-36000=AHST -32400=AKST -28800=AKDT*|America/Anchorage,US/Alaska
-36000=HST|HST,Pacific/Honolulu,Pacific/Johnston,US/Hawaii
-3600=#|Etc/GMT+1
-3600=# 0=#* 3600=#|Africa/El_Aaiun
-3600=# 0=#* 3600=WEST*|Atlantic/Azores
-3600=# 0=GMT|Africa/Bissau
-37800=# -36000=# -34200=#*|Pacific/Rarotonga
-38400=# -36000=# 50400=#|Pacific/Kiritimati
-39600=#|Etc/GMT+11,Pacific/Niue
-39600=# -36000=#* 46800=# 50400=#*|Pacific/Apia
-39600=# 46800=#|Pacific/Fakaofo
-39600=BST -36000=BDT* -32400=AKST -28800=AKDT*|America/Nome
-39600=BST -36000=HST -32400=HDT*|America/Adak,America/Atka,US/Aleutian
-39600=SST|Pacific/Midway,Pacific/Pago_Pago,Pacific/Samoa,US/Samoa
-43200=#|Etc/GMT+12
-43200=# -39600=# 46800=#|Pacific/Enderbury,Pacific/Kanton
-43200=# 43200=#|Kwajalein,Pacific/Kwajalein
-7200=#|Atlantic/South_Georgia,Etc/GMT+2
-7200=# -3600=#|Atlantic/Cape_Verde
-7200=# -3600=#*|America/Noronha,Brazil/DeNoronha
-7200=# -3600=#* 0=#*|America/Scoresbysund
0=#|Factory
0=# 18000=# 25200=#|Antarctica/Vostok
0=# 7200=#*|Antarctica/Troll
0=#* 3600=#|Africa/Casablanca
0=GMT|Africa/Abidjan,Africa/Accra,Africa/Bamako,Africa/Banjul,Africa/Conakry,Africa/Dakar,Africa/Freetown,Africa/Lome,Africa/Nouakchott,Africa/Ouagadougou,Africa/Timbuktu,Atlantic/Reykjavik,Atlantic/St_Helena,Etc/GMT,Etc/GMT+0,Etc/GMT-0,Etc/GMT0,Etc/Greenwich,GMT,GMT+0,GMT-0,GMT0,Greenwich,Iceland
0=GMT 3600=BST*|Europe/Belfast,Europe/Guernsey,Europe/Isle_of_Man,Europe/Jersey,Europe/London,GB,GB-Eire
0=GMT 3600=WAT|Africa/Sao_Tome
0=GMT* 3600=IST|Eire,Europe/Dublin
0=UTC|Etc/UCT,Etc/UTC,Etc/Universal,Etc/Zulu,UCT,UTC,Universal,Zulu
0=WET 3600=CET 7200=CEST*|Africa/Algiers,Africa/Ceuta
0=WET 3600=WEST*|Atlantic/Canary,Atlantic/Faeroe,Atlantic/Faroe,Atlantic/Madeira
0=WET 3600=WEST* 7200=CEST*|Europe/Lisbon,Portugal,WET
10800=#|Antarctica/Syowa,Asia/Aden,Asia/Kuwait,Asia/Riyadh,Etc/GMT-3
10800=# 14400=#|Asia/Bahrain,Asia/Qatar
10800=# 14400=# 18000=#*|Asia/Baku,Asia/Tbilisi,Asia/Yerevan,Europe/Astrakhan,Europe/Samara,Europe/Saratov
10800=# 14400=#*|Asia/Baghdad
10800=EAT|Africa/Addis_Ababa,Africa/Asmara,Africa/Asmera,Africa/Dar_es_Salaam,Africa/Djibouti,Africa/Kampala,Africa/Mogadishu,Africa/Nairobi,Indian/Antananarivo,Indian/Comoro,Indian/Mayotte
10800=MSK 14400=# 18000=#*|Europe/Volgograd
10800=MSK 14400=MSK 18000=#*|Europe/Kirov
12600=# 14400=# 16200=#* 18000=#*|Asia/Tehran,Iran
14400=#|Asia/Dubai,Asia/Muscat,Etc/GMT-4,Indian/Mahe,Indian/Reunion
14400=# 18000=# 21600=#|Asia/Qostanay,Asia/Yekaterinburg
14400=# 18000=# 21600=#*|Asia/Aqtau,Asia/Aqtobe,Asia/Ashgabat,Asia/Ashkhabad,Asia/Atyrau,Asia/Oral
14400=# 18000=#*|Indian/Mauritius
16200=#|Asia/Kabul
18000=#|Etc/GMT-5,Indian/Kerguelen,Indian/Maldives
18000=# 21600=#|Antarctica/Mawson,Asia/Qyzylorda,Indian/Chagos
18000=# 21600=# 25200=#|Asia/Omsk
18000=# 21600=# 25200=#*|Asia/Almaty,Asia/Bishkek
18000=# 21600=#*|Asia/Samarkand
18000=# 21600=#* 25200=#*|Asia/Dushanbe,Asia/Tashkent
18000=# 25200=#|Antarctica/Davis
18000=PKT 21600=PKST*|Asia/Karachi
19800=# 20700=#|Asia/Kathmandu,Asia/Katmandu
19800=# 21600=#|Asia/Thimbu,Asia/Thimphu
19800=# 21600=# 23400=#|Asia/Colombo
19800=IST|Asia/Calcutta,Asia/Kolkata
21600=#|Asia/Kashgar,Asia/Urumqi,Etc/GMT-6
21600=# 25200=# 28800=#|Asia/Krasnoyarsk
21600=# 25200=# 28800=#*|Asia/Barnaul,Asia/Hovd,Asia/Novokuznetsk,Asia/Novosibirsk,Asia/Tomsk
21600=# 25200=#*|Asia/Dacca,Asia/Dhaka
23400=#|Asia/Rangoon,Asia/Yangon,Indian/Cocos
25200=#|Asia/Bangkok,Asia/Phnom_Penh,Asia/Vientiane,Etc/GMT-7,Indian/Christmas
25200=# 28800=#|Asia/Ho_Chi_Minh,Asia/Saigon
25200=# 28800=# 32400=#|Asia/Irkutsk
25200=# 28800=# 32400=#*|Asia/Choibalsan,Asia/Ulaanbaatar,Asia/Ulan_Bator
25200=WIB|Asia/Jakarta
25200=WIB 28800=WITA|Asia/Pontianak
27000=# 28800=#|Asia/Kuala_Lumpur,Asia/Singapore,Singapore
28800=#|Asia/Brunei,Asia/Kuching,Etc/GMT-8
28800=# 32400=#|Asia/Dili
28800=# 32400=# 36000=#|Asia/Chita,Asia/Yakutsk
28800=# 32400=# 36000=# 39600=#|Asia/Khandyga
28800=# 39600=#|Antarctica/Casey
28800=AWST 32400=AWDT*|Australia/Perth,Australia/West
28800=CST 32400=CDT*|Asia/Chongqing,Asia/Chungking,Asia/Harbin,Asia/Macao,Asia/Macau,Asia/Shanghai,Asia/Taipei,PRC,ROC
28800=HKT 32400=HKST*|Asia/Hong_Kong,Hongkong
28800=PST 32400=PDT*|Asia/Manila
28800=WITA|Asia/Makassar,Asia/Ujung_Pandang
30600=KST 32400=KST|Asia/Pyongyang
31500=# 35100=#*|Australia/Eucla
32400=#|Etc/GMT-9,Pacific/Palau
32400=# 36000=# 39600=#|Asia/Vladivostok
32400=# 36000=# 39600=# 43200=#|Asia/Ust-Nera
32400=JST|Asia/Tokyo,Japan
32400=KST 36000=KDT*|Asia/Seoul,ROK
32400=WIT|Asia/Jayapura
34200=ACST|Australia/Darwin,Australia/North
34200=ACST 37800=ACDT*|Australia/Adelaide,Australia/Broken_Hill,Australia/South,Australia/Yancowinna
36000=#|Antarctica/DumontDUrville,Etc/GMT-10,Pacific/Chuuk,Pacific/Port_Moresby,Pacific/Truk,Pacific/Yap
36000=# 39600=#|Pacific/Bougainville
36000=# 39600=# 43200=#|Asia/Magadan,Asia/Srednekolymsk
36000=# 39600=# 43200=#*|Asia/Sakhalin
36000=AEST 37800=# 39600=#* 41400=#*|Australia/LHI,Australia/Lord_Howe
36000=AEST 39600=AEDT*|Antarctica/Macquarie,Australia/ACT,Australia/Brisbane,Australia/Canberra,Australia/Currie,Australia/Hobart,Australia/Lindeman,Australia/Melbourne,Australia/NSW,Australia/Queensland,Australia/Sydney,Australia/Tasmania,Australia/Victoria
36000=ChST 39600=GDT*|Pacific/Guam,Pacific/Saipan
3600=#|Etc/GMT-1
3600=CET 7200=CEST*|Africa/Tunis,Arctic/Longyearbyen,Atlantic/Jan_Mayen,CET,Europe/Amsterdam,Europe/Andorra,Europe/Belgrade,Europe/Berlin,Europe/Bratislava,Europe/Brussels,Europe/Budapest,Europe/Busingen,Europe/Copenhagen,Europe/Gibraltar,Europe/Ljubljana,Europe/Luxembourg,Europe/Madrid,Europe/Malta,Europe/Monaco,Europe/Oslo,Europe/Paris,Europe/Podgorica,Europe/Prague,Europe/Rome,Europe/San_Marino,Europe/Sarajevo,Europe/Skopje,Europe/Stockholm,Europe/Tirane,Europe/Vaduz,Europe/Vatican,Europe/Vienna,Europe/Warsaw,Europe/Zagreb,Europe/Zurich,MET,Poland
3600=CET 7200=EET|Africa/Tripoli,Libya
3600=CET 7200=EET 10800=EEST* 14400=MSD*|Europe/Vilnius
3600=WAT|Africa/Bangui,Africa/Brazzaville,Africa/Douala,Africa/Kinshasa,Africa/Lagos,Africa/Libreville,Africa/Luanda,Africa/Malabo,Africa/Niamey,Africa/Porto-Novo
3600=WAT 7200=WAST*|Africa/Ndjamena
3600=WAT* 7200=CAT|Africa/Windhoek
39600=#|Etc/GMT-11,Pacific/Guadalcanal,Pacific/Pohnpei,Pacific/Ponape
39600=# 41400=# 43200=#* 45000=#*|Pacific/Norfolk
39600=# 43200=#|Pacific/Kosrae
39600=# 43200=# 46800=#*|Asia/Kamchatka
39600=# 43200=# 46800=#* 50400=#*|Asia/Anadyr
39600=# 43200=#*|Pacific/Efate,Pacific/Noumea
41400=# 43200=#|Pacific/Nauru
43200=#|Etc/GMT-12,Pacific/Funafuti,Pacific/Majuro,Pacific/Tarawa,Pacific/Wake,Pacific/Wallis
43200=# 46800=#*|Pacific/Fiji
43200=NZST 46800=NZDT*|Antarctica/McMurdo,Antarctica/South_Pole,NZ,Pacific/Auckland
45900=# 49500=#*|NZ-CHAT,Pacific/Chatham
46800=#|Etc/GMT-13
46800=# 50400=#*|Pacific/Tongatapu
50400=#|Etc/GMT-14
7200=#|Etc/GMT-2
7200=# 10800=# 14400=# 18000=#*|Europe/Ulyanovsk
7200=CAT|Africa/Blantyre,Africa/Bujumbura,Africa/Gaborone,Africa/Harare,Africa/Kigali,Africa/Lubumbashi,Africa/Lusaka,Africa/Maputo
7200=CAT 10800=EAT|Africa/Juba,Africa/Khartoum
7200=EET 10800=#|Asia/Amman,Asia/Damascus
7200=EET 10800=# 14400=#*|Asia/Istanbul,Europe/Istanbul,Turkey
7200=EET 10800=# 14400=MSD*|Europe/Kaliningrad,Europe/Minsk
7200=EET 10800=EEST*|Africa/Cairo,Asia/Beirut,Asia/Famagusta,Asia/Gaza,Asia/Hebron,Asia/Nicosia,EET,Egypt,Europe/Athens,Europe/Bucharest,Europe/Helsinki,Europe/Mariehamn,Europe/Nicosia,Europe/Sofia
7200=EET 10800=EEST* 14400=MSD*|Europe/Chisinau,Europe/Kiev,Europe/Kyiv,Europe/Riga,Europe/Tallinn,Europe/Tiraspol,Europe/Uzhgorod,Europe/Zaporozhye
7200=EET 10800=MSK 14400=MSK|Europe/Moscow,Europe/Simferopol,W-SU
7200=IST 10800=IDT*|Asia/Jerusalem,Asia/Tel_Aviv,Israel
7200=SAST|Africa/Johannesburg,Africa/Maseru,Africa/Mbabane
`;
