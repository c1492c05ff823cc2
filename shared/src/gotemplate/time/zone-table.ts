/**
 * The abbreviations of every zone of the IANA time zone database (2026): per line the offsets from UTC in seconds that were ever in
 * force, with the latest abbreviation each had (`*`: daylight saving time; `#`: the zone has no letters, its abbreviation is the offset),
 * then the names of the zones. Taken from the database that Go 1.26 ships; the moments of change come from `Intl`.
 */
export const zoneTable = `
-1075=LMT 0=GMT 3600=BST* 7200=BDST*|Europe/Isle_of_Man
-10800=#|Etc/GMT+3
-10800=# -7200=#* -4480=LMT 0=GMT|America/Danmarkshavn
-10800=# -8376=LMT -7200=#*|America/Recife
-10800=# -8572=LMT -7200=#*|America/Maceio
-10800=# -9240=LMT -7200=#*|America/Fortaleza
-10800=# -9244=LMT -7200=#*|America/Bahia
-10800=# 0=#|Antarctica/Rothera
-11188=LMT -10800=# -7200=#*|America/Sao_Paulo,Brazil/East
-11568=LMT -10800=# -7200=#*|America/Araguaina
-11636=LMT -10800=# -7200=#*|America/Belem
-12416=LMT -10800=# -7200=# -3600=#*|America/Godthab,America/Nuuk
-12652=NST -12600=NST -9052=NDT* -9000=NDT* -5400=NDDT*|America/St_Johns,Canada/Newfoundland
-1276=LMT 0=WET 3600=CET 7200=CEST*|Africa/Ceuta
-1284=LMT 0=GMT 3600=CET 7200=CEST*|Europe/Gibraltar
-13252=PMT -13240=LMT -13236=PMT -12600=# -10800=#|America/Paramaribo
-1368=JMT 0=GMT|Atlantic/St_Helena
-14400=#|Etc/GMT+4
-14400=# -10800=# -7200=#* 0=#|Antarctica/Palmer
-14400=# -12560=LMT -10800=#|America/Cayenne
-14400=# -13108=LMT -10800=#*|America/Campo_Grande
-14400=# -13128=LMT -10800=#|America/Santarem
-14400=# -13460=LMT -10800=#*|America/Cuiaba
-14400=# -13491=MMT -12600=# -10800=# -9000=#* -7200=#* -5400=#*|America/Montevideo
-14400=# -13840=AMT -10800=#|America/Asuncion
-14400=# -13884=SMT -10800=# -7200=#*|Atlantic/Stanley
-14400=# -13959=LMT -13500=# -10800=#|America/Guyana
-14400=AST -13480=LMT -10800=# -7200=#*|America/Miquelon
-14400=AST -13708=LMT -10800=APT*|America/Blanc-Sablon
-14400=AST -14309=LMT -12600=#* -10800=ADT*|America/Barbados
-14400=AST -14388=LMT -10800=ADT*|America/Glace_Bay
-14404=LMT -14400=# -10800=#*|America/Manaus,Brazil/West
-14500=LMT -14400=AST -12652=NST -12600=NST -10800=ADT* -9052=NDT* -9000=NDT* -7200=ADDT*|America/Goose_Bay
-14560=LMT -14400=# -10800=#*|America/Boa_Vista
-14640=CMT -14400=AST|America/St_Lucia
-14660=FFMT -14400=AST -10800=ADT*|America/Martinique
-14696=KMT -14400=AST|America/St_Vincent
-14736=LMT -14400=AST|America/Dominica
-14764=LMT -14400=AST|America/Port_of_Spain
-14768=LMT -14400=AST|America/Guadeloupe
-14820=LMT -14400=AST|America/Grenada
-14932=LMT -14400=AST|America/Montserrat
-15052=LMT -14400=AST|America/St_Kitts
-15136=LMT -14400=AST|America/Anguilla
-1521=DMT 0=GMT* 2079=IST* 3600=IST|Eire,Europe/Dublin
-15264=LMT -14400=AST -10800=ADT*|America/Halifax,Canada/Atlantic
-15336=LMT -14400=# -10800=#*|America/Porto_Velho
-15408=CMT -14400=# -10800=# -7200=#*|America/Argentina/Cordoba,America/Cordoba,America/Rosario
-15408=CMT -14400=# -14028=LMT -10800=# -7200=#*|America/Argentina/Buenos_Aires,America/Buenos_Aires
-15508=LMT -14400=AST|America/Tortola
-15558=BMT -14400=AST -11958=BST* -10800=ADT*|Atlantic/Bermuda
-15584=LMT -14400=AST|America/St_Thomas
-15652=LMT -15408=CMT -14400=# -10800=# -7200=#*|America/Argentina/Tucuman
-15672=LMT -15408=CMT -14400=# -10800=# -7200=#*|America/Argentina/Jujuy,America/Jujuy
-15700=LMT -15408=CMT -14400=# -10800=# -7200=#*|America/Argentina/Salta
-15788=LMT -15408=CMT -14400=# -10800=# -7200=#*|America/Argentina/Catamarca,America/Argentina/ComodRivadavia,America/Catamarca
-15865=LMT -14400=AST -10800=APT*|America/Kralendijk,America/Lower_Princes,America/Marigot,America/Puerto_Rico,America/St_Barthelemy,America/Virgin
-15924=LMT -15408=CMT -14400=# -10800=# -7200=#*|America/Argentina/San_Luis
-16044=LMT -15408=CMT -14400=# -10800=# -7200=#*|America/Argentina/La_Rioja
-16200=# -16064=LMT -16060=CMT -14400=#|America/Caracas
-1624=LMT 0=WET 3600=WEST*|Atlantic/Faeroe,Atlantic/Faroe
-16356=CMT -14400=# -12756=BST*|America/La_Paz
-16392=LMT -15408=CMT -14400=# -10800=# -7200=#*|America/Argentina/Ushuaia
-16444=LMT -15408=CMT -14400=# -10800=# -7200=#*|America/Argentina/San_Juan
-16508=LMT -14400=AST -10800=ADT*|America/Thule
-16516=LMT -15408=CMT -14400=# -10800=# -7200=#*|America/Argentina/Mendoza,America/Mendoza
-16547=LMT -16200=# -14400=AST|America/Curacao
-16612=LMT -15408=CMT -14400=# -10800=# -7200=#*|America/Argentina/Rio_Gallegos
-16824=LMT -16200=# -14400=AST|America/Aruba
-18000=#|Etc/GMT+5
-18000=# -16272=LMT -14400=#|America/Porto_Acre,America/Rio_Branco,Brazil/Acre
-18000=# -16768=LMT -14400=#|America/Eirunepe
-18000=# -16965=SMT -14400=# -10800=#*|America/Santiago,Chile/Continental
-18000=# -17020=LMT -16965=SMT -14400=# -10800=#|America/Punta_Arenas
-18000=# -17296=LMT -16965=SMT -14400=# -10800=#|America/Coyhaique
-18000=# -17776=BMT -14400=#*|America/Bogota
-18000=EST -14832=LMT -14400=AST|America/Antigua
-18000=EST -15548=LMT -14400=AST -10800=ADT*|America/Moncton
-18000=EST -16800=SDMT -16776=LMT -16200=#* -14400=AST|America/Santo_Domingo
-18000=EST -17360=LMT -17340=PPMT -14400=EDT*|America/Port-au-Prince
-18000=EST -17762=LMT -14400=EDT*|America/New_York,EST5EDT,US/Eastern
-1820=LMT 0=#* 3600=#|Africa/Casablanca
-18430=KMT -18000=EST -14400=EDT*|America/Jamaica,Jamaica
-18430=KMT -18000=EST -17072=LMT -14400=EDT*|America/Grand_Turk
-18516=LMT -18492=LMT -18000=# -14400=#*|America/Lima
-18570=LMT -18000=EST -14400=EDT*|America/Nassau
-19052=LMT -18000=EST -14400=EDT*|America/Montreal,America/Nipigon,America/Thunder_Bay,America/Toronto,Canada/Eastern
-19160=LMT -18840=QMT -18000=# -14400=#*|America/Guayaquil
-19176=CMT -19088=LMT -18000=EST|America/Coral_Harbour,America/Panama,EST
-19532=LMT -18430=KMT -18000=EST|America/Cayman
-19776=HMT -19768=LMT -18000=CST -14400=CDT*|America/Havana,Cuba
-21600=#|Etc/GMT+6
-21600=# -21504=LMT -18000=#*|Pacific/Galapagos
-21600=CST -18000=CDT* 0=#|America/Rankin_Inlet,America/Resolute
-21600=CST -18000=EST -14400=EDT* 0=#|America/Iqaluit,America/Pangnirtung
-21600=CST -19931=LMT -18000=EST -14400=EDT*|America/Detroit,US/Michigan
-21600=CST -20173=SJMT -18000=CDT*|America/Costa_Rica
-21600=CST -20364=LMT -18000=EST -14400=EDT*|America/Kentucky/Monticello
-21600=CST -20416=LMT -18000=EST -14400=EDT*|America/Indiana/Vevay
-21600=CST -20582=LMT -18000=EST -14400=EDT*|America/Kentucky/Louisville,America/Louisville
-21600=CST -20678=LMT -18000=EST -14400=EDT*|America/Fort_Wayne,America/Indiana/Indianapolis,America/Indianapolis,US/East-Indiana
-21600=CST -20712=MMT -20708=LMT -18000=CDT*|America/Managua
-21600=CST -20723=LMT -18000=EST -14400=EDT*|America/Indiana/Marengo
-21600=CST -20785=LMT -18000=EST -14400=EDT*|America/Indiana/Winamac
-21600=CST -20790=LMT -18000=CDT*|America/Indiana/Knox,America/Knox_IN,US/Indiana-Starke
-21600=CST -20823=LMT -18000=CDT* -14400=EDT*|America/Indiana/Tell_City
-21600=CST -20824=LMT -18000=EST -14400=EDT*|America/Cancun
-21600=CST -20932=LMT -18000=CDT*|America/Tegucigalpa
-21600=CST -20947=LMT -18000=EST -14400=EDT*|America/Indiana/Petersburg
-21600=CST -21007=LMT -18000=EST -14400=EDT*|America/Indiana/Vincennes
-21600=CST -21027=LMT -18000=CDT*|America/Menominee
-21600=CST -21036=LMT -18000=CDT*|America/Chicago,CST6CDT,US/Central
-21600=CST -21168=LMT -19800=#* -18000=CDT*|America/Belize
-21600=CST -21408=LMT -18000=CDT*|America/El_Salvador
-21600=CST -21508=LMT -18000=CDT*|America/Merida
-21724=LMT -21600=CST -18000=CDT*|America/Guatemala
-21988=LMT -21600=CST -18000=EST|America/Atikokan
-2205=LMT 0=GMT 1616=LMT 3600=WAT|Africa/Sao_Tome
-2205=LMT 0=WET 3600=WEST* 7200=CEST*|Europe/Lisbon,Portugal,WET
-23316=LMT -21600=CST -18000=CDT*|America/Rainy_River,America/Winnipeg,Canada/Central
-23400=LMT -21600=CST -18000=CDT*|America/Matamoros
-25200=#|Etc/GMT+7
-25200=MST -21600=MDT* -18000=EST 0=#|America/Cambridge_Bay
-25200=MST -23796=LMT -21600=CST -18000=CDT*|America/Mexico_City,Mexico/General
-25200=MST -24076=LMT -21600=CST -18000=CDT*|America/Monterrey
-25200=MST -24312=LMT -21600=CST -18000=CDT*|America/North_Dakota/Center
-25200=MST -24339=LMT -21600=CST -18000=CDT*|America/North_Dakota/New_Salem
-25200=MST -24427=LMT -21600=CST -18000=CDT*|America/North_Dakota/Beulah
-25200=MST -25060=LMT -21600=CST -18000=CDT*|America/Ojinaga
-25200=MST -25116=LMT -21600=CST|America/Regina,Canada/Saskatchewan
-25200=MST -25196=LMT -21600=MDT*|America/Denver,America/Shiprock,MST7MDT,Navajo,US/Mountain
-25260=LMT -25200=MST -21600=CST -18000=CDT*|America/Bahia_Banderas
-25460=LMT -25200=MST -21600=CST -18000=CDT*|America/Chihuahua
-25540=LMT -25200=MST -21600=MDT*|America/Mazatlan,Mexico/BajaSur
-25556=LMT -25200=MST -21600=MDT* -18000=CDT*|America/Ciudad_Juarez
-25880=LMT -25200=MST -21600=CST|America/Swift_Current
-26248=EMT -25200=# -21600=# -18000=#*|Chile/EasterIsland,Pacific/Easter
-26632=LMT -25200=MST -21600=MDT*|America/Hermosillo
-2670=MMT -2588=MMT 0=GMT|Africa/Monrovia
-26898=LMT -25200=MST -21600=MDT*|America/Phoenix,MST,US/Arizona
-27232=LMT -25200=MST -21600=MDT*|America/Edmonton,America/Yellowknife,Canada/Mountain
-28800=#|Etc/GMT+8
-28800=PST -25200=MST -21600=MDT* 0=#|America/Inuvik
-28800=PST -27889=LMT -25200=MST -21600=MDT*|America/Boise
-28800=PST -27964=LMT -25200=MST|America/Creston
-28800=PST -28084=LMT -25200=PDT*|America/Ensenada,America/Santa_Isabel,America/Tijuana,Mexico/BajaNorte
-28800=PST -28378=LMT -25200=PDT*|America/Los_Angeles,PST8PDT,US/Pacific
-28856=LMT -28800=PST -25200=MST|America/Dawson_Creek
-29447=LMT -28800=PST -25200=MST|America/Fort_Nelson
-29548=LMT -28800=PST -25200=PDT*|America/Vancouver,Canada/Pacific
-31220=LMT -30600=# -28800=#|Pacific/Pitcairn
-32400=#|Etc/GMT+9
-32400=# -32388=LMT|Pacific/Gambier
-32400=AKST -31578=LMT -28800=AKDT* -25200=PDT* 54822=LMT|America/Metlakatla
-32400=AKST -32261=LMT -28800=AKDT* -25200=PDT* 54139=LMT|America/Juneau
-32412=LMT -32400=YST -28800=PST -25200=MST|America/Whitehorse,Canada/Yukon
-32473=LMT -32400=AKST -28800=AKDT* -25200=PDT* 53927=LMT|America/Sitka
-33460=LMT -32400=YST -28800=PST -25200=MST|America/Dawson
-33535=LMT -32400=AKST -28800=AKDT* 52865=LMT|America/Yakutat
-34200=# -33480=LMT|Pacific/Marquesas
-36000=#|Etc/GMT+10
-36000=# -35896=LMT|Pacific/Tahiti
-36000=AHST -35976=LMT -32400=AKST -28800=AKDT* 50424=LMT|America/Anchorage,US/Alaska
-3600=#|Etc/GMT+1
-3600=# -1920=LMT 0=GMT|Africa/Bamako
-3600=# -3168=LMT 0=#* 3600=#|Africa/El_Aaiun
-3600=# -3180=FMT -2400=#* 0=GMT|Africa/Freetown
-3600=# -3292=LMT 0=GMT|Africa/Conakry
-3600=# 0=GMT 508=LMT 3600=WAT|Africa/Niamey
-364=LMT 0=GMT|Africa/Ouagadougou
-3696=LMT -3600=# 0=WET 3600=WEST*|Atlantic/Canary
-3740=LMT -3600=# 0=GMT|Africa/Bissau
-37886=LMT -37800=HST -36000=HST -34200=HPT*|HST,Pacific/Honolulu,Pacific/Johnston,US/Hawaii
-3828=LMT -3600=# 0=GMT|Africa/Nouakchott
-38344=LMT -37800=# -36000=# -34200=#* 48056=LMT|Pacific/Rarotonga
-38400=# -37760=LMT -36000=# 50400=#|Pacific/Kiritimati
-39600=#|Etc/GMT+11
-39698=LMT -39600=BST -36000=BDT* -32400=AKST -28800=AKDT* 46702=LMT|America/Nome
-3996=BMT -3600=# 0=GMT|Africa/Banjul
-4056=FMT -3600=# 0=WET 3600=WEST*|Atlantic/Madeira
-40800=# -40780=LMT -39600=#|Pacific/Niue
-40968=LMT -39600=SST 45432=LMT|Pacific/Pago_Pago,Pacific/Samoa,US/Samoa
-41096=LMT -39600=# 46800=#|Pacific/Fakaofo
-41400=# -41216=LMT -39600=# -36000=#* 45184=LMT 46800=# 50400=#*|Pacific/Apia
-4184=LMT -3600=# 0=GMT|Africa/Dakar
-42398=LMT -39600=BST -36000=HST -32400=HDT* 44002=LMT|America/Adak,America/Atka,US/Aleutian
-42568=LMT -39600=SST -36000=#*|Pacific/Midway
-43200=#|Etc/GMT+12
-43200=# -39600=# 0=# 46800=#|Pacific/Enderbury,Pacific/Kanton
-43200=# 32400=# 36000=# 39600=# 40160=LMT 43200=#|Kwajalein,Pacific/Kwajalein
-47284=LMT 32400=# 36000=# 39116=LMT 39600=# 43200=#|Pacific/Kosrae
-48428=LMT 32400=# 36000=# 37972=LMT 39600=#|Pacific/Pohnpei
-49972=LMT 32400=# 36000=# 36428=LMT|Pacific/Chuuk
-506=LMT 0=GMT 3600=BST* 7200=BDST*|Europe/Jersey
-51420=LMT 32400=# 34980=LMT 36000=ChST 39600=GDT*|Pacific/Saipan
-51660=LMT 32400=# 34740=LMT 36000=ChST 39600=GDT*|Pacific/Guam
-5280=LMT -3600=# 0=GMT|Atlantic/Reykjavik
-52=LMT 0=GMT 1200=#* 1800=#*|Africa/Accra
-54124=LMT 32276=LMT 32400=#|Pacific/Palau
-57368=LMT 28800=PST 29032=LMT 32400=PDT*|Asia/Manila
-609=LMT 0=GMT 3600=BST* 7200=BDST*|Europe/Guernsey
-7200=#|Etc/GMT+2
-7200=# -5272=LMT -3600=#* 0=#*|America/Scoresbysund
-7200=# -5644=LMT -3600=#|Atlantic/Cape_Verde
-7200=# -6872=HMT -6160=LMT -3600=# 0=#* 3600=WEST*|Atlantic/Azores
-75=LMT 0=GMT 3600=BST* 7200=BDST*|Europe/Belfast,Europe/London,GB,GB-Eire
-7780=LMT -7200=# -3600=#*|America/Noronha,Brazil/DeNoronha
-8768=LMT -7200=#|Atlantic/South_Georgia
-884=LMT 0=WET 3600=CET 7200=CEST*|Europe/Madrid
-968=LMT 0=GMT|Africa/Abidjan,Africa/Timbuktu,Iceland
0=#|Factory
0=# 10800=#|Antarctica/Syowa
0=# 18000=#|Indian/Kerguelen
0=# 18000=# 21600=#|Antarctica/Mawson
0=# 18000=# 25200=#|Antarctica/Davis,Antarctica/Vostok
0=# 28800=# 39600=#|Antarctica/Casey
0=# 36000=#|Antarctica/DumontDUrville
0=# 36000=AEST 39600=AEDT*|Antarctica/Macquarie
0=# 43200=NZST 46800=NZDT*|Antarctica/McMurdo
0=# 7200=#*|Antarctica/Troll
0=GMT|Etc/GMT,Etc/GMT+0,Etc/GMT-0,Etc/GMT0,Etc/Greenwich,GMT,GMT+0,GMT-0,GMT0,Greenwich
0=GMT 2108=LMT 3600=WAT|Africa/Malabo
0=GMT 292=LMT|Africa/Lome
0=GMT 628=LMT 3600=WAT|Africa/Porto-Novo
0=GMT 815=LMT 1800=# 3600=WAT|Africa/Lagos
0=GMT* 3464=PMT 3600=CET 7200=CEST*|Europe/Bratislava,Europe/Prague
0=UTC|Etc/UCT,Etc/UTC,Etc/Universal,Etc/Zulu,UCT,UTC,Universal,Zulu
0=WET 1050=BMT 3600=CET 7200=CEST*|CET,Europe/Brussels,MET
0=WET 1476=LMT 3600=CET 7200=CEST*|Europe/Luxembourg
0=WET 364=LMT 3600=CET 7200=CEST*|Europe/Andorra
0=WET 561=PMT 1772=LMT 3600=CET 7200=CEST*|Europe/Monaco
0=WET 561=PMT 3600=CET 7200=CEST*|Europe/Paris
0=WET 561=PMT 732=LMT 3600=CET 7200=CEST*|Africa/Algiers
10356=LMT 10800=EAT|Africa/Djibouti
10384=LMT 10800=EAT|Indian/Comoro
10656=BMT 10660=LMT 10800=# 14400=#*|Asia/Baghdad
10660=LMT 10800=MSK 14400=# 18000=#*|Europe/Volgograd
10680=LMT 10800=# 14400=# 18000=#*|Asia/Yerevan
10751=TBMT 10800=# 14400=# 18000=#*|Asia/Tbilisi
10794=LMT 10800=#|Asia/Aden
10800=#|Etc/GMT-3
10800=# 11058=LMT 14400=# 18000=#*|Europe/Saratov
10800=# 11212=LMT|Asia/Riyadh
10800=# 11516=LMT|Asia/Kuwait
10800=# 11532=LMT 14400=# 18000=#*|Europe/Astrakhan
10800=# 11964=LMT 14400=# 18000=#*|Asia/Baku
10800=# 12020=LMT 14400=# 18000=#*|Europe/Samara
10800=# 12140=LMT 12600=# 14400=#|Asia/Bahrain
10800=# 12324=LMT 14400=# 18000=# 21600=#*|Asia/Oral
10800=# 12368=LMT 14400=#|Asia/Qatar
10800=# 12464=LMT 14400=# 18000=# 21600=#*|Asia/Atyrau
10800=EAT 10856=LMT|Indian/Mayotte
10800=EAT 11404=LMT 14400=EAST*|Indian/Antananarivo
10800=MSK 11928=LMT 14400=MSK 18000=#*|Europe/Kirov
1172=AMT 1200=# 3600=CET 4772=NST* 4800=#* 7200=CEST*|Europe/Amsterdam
12064=LMT 14400=# 18000=# 21600=#*|Asia/Aqtau
12344=TMT 12600=# 14400=# 16200=#* 18000=#*|Asia/Tehran,Iran
13272=LMT 14400=#|Asia/Dubai
13308=LMT 14400=#|Indian/Mahe
13312=LMT 14400=#|Indian/Reunion
13505=PMT 14400=# 14553=LMT 18000=# 21600=#|Asia/Yekaterinburg
13720=LMT 14400=# 18000=# 21600=#*|Asia/Aqtobe
13800=LMT 14400=# 18000=#*|Indian/Mauritius
14012=LMT 14400=# 18000=# 21600=#*|Asia/Ashgabat,Asia/Ashkhabad
14064=LMT 14400=#|Asia/Muscat
14400=#|Etc/GMT-4
14400=# 15268=LMT 18000=# 21600=#|Asia/Qostanay
14400=# 15712=LMT 18000=# 21600=#|Asia/Qyzylorda
14400=# 16073=LMT 18000=# 21600=#*|Asia/Samarkand
14400=# 16200=# 16608=LMT|Asia/Kabul
16092=LMT 18000=PKT 19800=# 21600=PKST* 23400=#*|Asia/Karachi
16512=LMT 18000=# 21600=#* 25200=#*|Asia/Dushanbe
16631=LMT 18000=# 21600=#* 25200=#*|Asia/Tashkent
17380=LMT 18000=# 21600=#|Indian/Chagos
17610=LMT 18000=# 21600=# 25200=#|Asia/Omsk
17640=MMT 18000=#|Indian/Maldives
1786=BMT 2048=LMT 3600=CET 7200=CEST*|Europe/Busingen,Europe/Zurich
17904=LMT 18000=# 21600=# 25200=#*|Asia/Bishkek
18000=#|Etc/GMT-5
18000=# 18468=LMT 21600=# 25200=#*|Asia/Almaty
19164=LMT 19172=MMT 19800=# 21600=# 23400=#|Asia/Colombo
19270=MMT 19800=IST 21200=HMT 21208=LMT 23400=#*|Asia/Calcutta,Asia/Kolkata
19800=# 20476=LMT 20700=#|Asia/Kathmandu,Asia/Katmandu
19800=# 21200=HMT 21600=# 21700=LMT 23400=# 25200=#*|Asia/Dacca,Asia/Dhaka
19800=# 21516=LMT 21600=#|Asia/Thimbu,Asia/Thimphu
19900=LMT 21600=# 25200=# 28800=#*|Asia/Novosibirsk
20100=LMT 21600=# 25200=# 28800=#*|Asia/Barnaul
20391=LMT 21600=# 25200=# 28800=#*|Asia/Tomsk
20928=LMT 21600=# 25200=# 28800=#*|Asia/Novokuznetsk
21020=LMT 21600=#|Asia/Kashgar,Asia/Urumqi
21600=#|Etc/GMT-6
21600=# 21996=LMT 25200=# 28800=#*|Asia/Hovd
21600=# 22286=LMT 25200=# 28800=#|Asia/Krasnoyarsk
2268=LMT 3600=WAT|Africa/Libreville
2284=LMT 3600=CET 7200=CEST*|Europe/Vaduz
23087=RMT 23400=# 32400=#|Asia/Rangoon,Asia/Yangon
23260=LMT 23400=#|Indian/Cocos
2328=LMT 3600=WAT|Africa/Douala
24124=BMT 25200=#|Asia/Bangkok
24406=LMT 24925=SMT 25200=# 26400=# 27000=# 28800=# 32400=#|Asia/Kuala_Lumpur
24624=LMT 25200=# 25590=PLMT 28800=# 32400=#|Asia/Vientiane
24925=SMT 25200=# 26400=# 27000=# 28800=# 32400=#|Asia/Singapore,Singapore
25025=IMT 25200=# 28800=# 32400=#|Asia/Irkutsk
25180=LMT 25200=# 25590=PLMT 28800=# 32400=#|Asia/Phnom_Penh
25200=#|Etc/GMT-7
25200=# 25372=LMT|Indian/Christmas
25200=# 25590=PLMT 28800=# 32400=#|Asia/Ho_Chi_Minh,Asia/Saigon
25200=# 25652=LMT 28800=# 32400=#*|Asia/Choibalsan,Asia/Ulaanbaatar,Asia/Ulan_Bator
25200=WIB 25632=BMT 26400=# 27000=# 28800=# 32400=#|Asia/Jakarta
25200=WIB 26240=PMT 27000=# 28800=WITA 32400=#|Asia/Pontianak
2580=LMT 3600=CET 7200=CEST*|Europe/Oslo
26480=LMT 27000=# 28800=# 30000=#* 32400=#|Asia/Kuching
27000=# 27580=LMT 28800=#|Asia/Brunei
27232=LMT 28800=# 32400=# 36000=#|Asia/Chita
27250=LMT 28800=CST 32400=CDT* 36000=#*|Asia/Macao,Asia/Macau
27402=LMT 28800=HKT 30600=HKWT* 32400=HKST*|Asia/Hong_Kong,Hongkong
27804=LMT 28800=AWST 32400=AWDT*|Australia/Perth,Australia/West
28656=MMT 28800=WITA 32400=#|Asia/Makassar,Asia/Ujung_Pandang
28800=#|Etc/GMT-8
28800=# 30140=LMT 32400=#|Asia/Dili
28800=# 31138=LMT 32400=# 36000=#|Asia/Yakutsk
28800=# 32400=# 32533=LMT 36000=# 39600=#|Asia/Khandyga
28800=# 32400=# 34374=LMT 36000=# 39600=# 43200=#|Asia/Ust-Nera
28800=CST 29143=LMT 32400=CDT*|Asia/Chongqing,Asia/Chungking,Asia/Harbin,Asia/Shanghai,PRC
28800=CST 29160=LMT 32400=CDT*|Asia/Taipei,ROC
2996=RMT 3600=CET 7200=CEST*|Europe/Rome,Europe/San_Marino,Europe/Vatican
30180=LMT 30600=KST 32400=KST|Asia/Pyongyang
3020=CMT 3600=CET 7200=CEST*|Europe/Copenhagen
30472=LMT 30600=KST 32400=KST 34200=KDT* 36000=KDT*|Asia/Seoul,ROK
30928=LMT 31500=# 35100=#*|Australia/Eucla
3124=LMT 3176=LMT 3600=WAT|Africa/Luanda
31400=LMT 32400=ACST 34200=ACST 37800=ACDT*|Australia/Darwin,Australia/North
3164=LMT 3600=CET 7200=EET|Africa/Tripoli,Libya
31651=LMT 32400=# 36000=# 39600=#|Asia/Vladivostok
3208=LMT 3600=CET 7200=CEST* 10800=CEMT*|Arctic/Longyearbyen,Atlantic/Jan_Mayen,Europe/Berlin
32400=#|Etc/GMT-9
32400=# 34248=LMT 36000=# 39600=# 43200=#*|Asia/Sakhalin
32400=# 35312=PMMT 36000=# 37336=LMT 39600=#|Pacific/Bougainville
32400=# 36000=# 39600=# 41088=LMT 43200=#|Pacific/Majuro
32400=# 40060=LMT 41400=# 43200=#|Pacific/Nauru
32400=ACST 33260=LMT 34200=ACST 37800=ACDT*|Australia/Adelaide,Australia/South
32400=ACST 33948=LMT 34200=ACST 36000=AEST 37800=ACDT*|Australia/Broken_Hill,Australia/Yancowinna
32400=JST 33539=LMT 36000=JDT*|Asia/Tokyo,Japan
32400=WIT 33768=LMT 34200=#|Asia/Jayapura
34792=LMT 36000=AEST 39600=AEDT*|Australia/Melbourne,Australia/Victoria
3484=LMT 3600=CET 7200=CEST*|Europe/Ljubljana,Europe/Malta
35312=PMMT 35320=LMT 36000=#|Pacific/Port_Moresby,Pacific/Truk,Pacific/Yap
35356=LMT 36000=AEST 39600=AEDT*|Australia/Currie,Australia/Hobart,Australia/Tasmania
35756=LMT 36000=AEST 39600=AEDT*|Australia/Lindeman
36000=#|Etc/GMT-10
36000=# 36192=LMT 39600=# 43200=#|Asia/Magadan
36000=# 36892=LMT 39600=# 43200=#|Asia/Srednekolymsk
36000=AEST 36292=LMT 39600=AEDT*|Australia/ACT,Australia/Canberra,Australia/NSW,Australia/Sydney
36000=AEST 36728=LMT 39600=AEDT*|Australia/Brisbane,Australia/Queensland
36000=AEST 37800=# 38180=LMT 39600=#* 41400=#*|Australia/LHI,Australia/Lord_Howe
3600=#|Etc/GMT-1
3600=CET 3614=SET 4332=LMT 7200=CEST*|Europe/Stockholm
3600=CET 3832=LMT 7200=CEST*|Europe/Zagreb
3600=CET 3921=LMT 7200=CEST*|Europe/Vienna
3600=CET 4420=LMT 7200=CEST*|Europe/Sarajevo
3600=CET 4580=LMT 7200=CEST*|Europe/Budapest
3600=CET 4760=LMT 7200=CEST*|Europe/Tirane
3600=CET 4920=LMT 7200=CEST*|Europe/Belgrade,Europe/Podgorica
3600=CET 4920=LMT 7200=EET 10800=# 14400=MSD*|Europe/Kaliningrad
3600=CET 5040=WMT 5736=KMT 6076=LMT 7200=EET 10800=EEST* 14400=MSD*|Europe/Vilnius
3600=CET 5040=WMT 7200=CEST* 10800=EEST*|Europe/Warsaw,Poland
3600=CET 5144=LMT 7200=CEST*|Europe/Skopje
3600=CET 5596=LMT 7016=IMT 7200=EET 10800=EEST*|Europe/Sofia
3600=CET 5692=AMT 7200=EET 10800=EEST*|EET,Europe/Athens
3600=CET 5794=RMT 7200=EET 9394=LST* 10800=EEST* 14400=MSD*|Europe/Riga
3600=CET 5940=TMT 7200=EET 10800=EEST* 14400=MSD*|Europe/Tallinn
3600=CET 6264=BMT 6900=CMT 6920=LMT 7200=EET 10800=EEST* 14400=MSD*|Europe/Chisinau,Europe/Tiraspol
3600=CET 6600=MMT 6616=LMT 7200=EET 10800=# 14400=MSD*|Europe/Minsk
3600=CET 7200=EET 7324=KMT 10800=EEST* 14400=MSD*|Europe/Kiev,Europe/Kyiv,Europe/Uzhgorod,Europe/Zaporozhye
3600=CET 7200=EET 8160=SMT 8184=LMT 10800=MSK 14400=MSK|Europe/Simferopol
3600=WAT 3612=LMT 7200=WAST*|Africa/Ndjamena
3600=WAT 3668=LMT|Africa/Brazzaville
3600=WAT 3672=LMT|Africa/Kinshasa
3600=WAT 4460=LMT|Africa/Bangui
3600=WAT 6592=LMT 7200=CAT|Africa/Lubumbashi
3600=WAT* 4104=LMT 5400=# 7200=CAT 10800=SAST*|Africa/Windhoek
38076=LMT 39600=# 43200=# 46800=#*|Asia/Kamchatka
38388=LMT 39600=#|Pacific/Guadalcanal,Pacific/Ponape
39600=#|Etc/GMT-11
39600=# 39948=LMT 43200=#*|Pacific/Noumea
39600=# 40312=LMT 40320=# 41400=# 43200=#* 45000=#*|Pacific/Norfolk
39600=# 40396=LMT 43200=#*|Pacific/Efate
39600=# 42596=LMT 43200=# 46800=#* 50400=#*|Asia/Anadyr
39988=LMT 43200=#|Pacific/Wake
41400=NZMT 41944=LMT 43200=NZST 45000=NZST* 46800=NZDT*|Antarctica/South_Pole,NZ,Pacific/Auckland
41524=LMT 43200=#|Pacific/Tarawa
42944=LMT 43200=# 46800=#*|Pacific/Fiji
43012=LMT 43200=#|Pacific/Funafuti
43200=#|Etc/GMT-12
43200=# 44120=LMT|Pacific/Wallis
44028=LMT 44100=# 45900=# 49500=#*|NZ-CHAT,Pacific/Chatham
44352=LMT 44400=# 46800=# 50400=#*|Pacific/Tongatapu
46800=#|Etc/GMT-13
50400=#|Etc/GMT-14
5400=SAST 6220=LMT 7200=CAT 10800=CAST*|Africa/Gaborone
5400=SAST 6720=LMT 7200=SAST 10800=SAST*|Africa/Johannesburg
561=PMT 2444=LMT 3600=CET 7200=CEST*|Africa/Tunis
5989=HMT 7200=EET 10800=EEST*|Europe/Helsinki,Europe/Mariehamn
6264=BMT 7200=EET 10800=EEST*|Europe/Bucharest
6600=LMT 7200=SAST 10800=SAST*|Africa/Maseru
6788=LMT 7200=CAT|Africa/Lusaka
6952=LMT 7016=IMT 7200=EET 10800=# 14400=#*|Asia/Istanbul,Europe/Istanbul,Turkey
7048=LMT 7200=CAT|Africa/Bujumbura
7200=#|Etc/GMT-2
7200=# 10800=# 11616=LMT 14400=# 18000=#*|Europe/Ulyanovsk
7200=CAT 7216=LMT|Africa/Kigali
7200=CAT 7452=LMT|Africa/Harare
7200=CAT 7588=LMT 10800=EAT|Africa/Juba
7200=CAT 7808=LMT 10800=EAT|Africa/Khartoum
7200=CAT 7818=LMT|Africa/Maputo
7200=CAT 8400=LMT 8460=ZMT 8470=ZMT|Africa/Blantyre
7200=EET 7509=LMT 10800=EEST*|Africa/Cairo,Egypt
7200=EET 8008=LMT 10800=EEST*|Asia/Nicosia,Europe/Nicosia
7200=EET 8148=LMT 10800=EEST*|Asia/Famagusta
7200=EET 8272=LMT 10800=EEST*|Asia/Gaza
7200=EET 8423=LMT 10800=EEST*|Asia/Hebron
7200=EET 8520=LMT 10800=EEST*|Asia/Beirut
7200=EET 8624=LMT 10800=#|Asia/Amman
7200=EET 8712=LMT 10800=#|Asia/Damascus
7200=EET 9017=MMT 9079=MMT 10800=MSK 12679=MST* 14400=MSK 16279=MDST* 18000=#*|Europe/Moscow,W-SU
7200=IST 8440=JMT 8454=LMT 10800=IDT* 14400=IDDT*|Asia/Jerusalem,Asia/Tel_Aviv,Israel
7200=SAST 7464=LMT|Africa/Mbabane
7780=LMT 9000=# 9900=# 10800=EAT|Africa/Kampala
8836=LMT 9000=# 9900=# 10800=EAT|Africa/Asmera,Africa/Nairobi
9000=# 10800=EAT 10888=LMT|Africa/Mogadishu
9288=LMT 9320=ADMT 10800=EAT|Africa/Addis_Ababa
9320=ADMT 9332=AMT 10800=EAT|Africa/Asmara
9428=LMT 9900=# 10800=EAT|Africa/Dar_es_Salaam
`;
